"""The kill storm of the benchmark, for a few seconds: no ticket lost, none worked twice, nothing corrupt."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_monitor_and_agents_that_are_killed_at_random_lose_no_ticket_and_never_share_one():
    storm = subprocess.run(
        [sys.executable, "benchmarks/life.py", "--kills", "12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert storm.returncode == 0, storm.stdout + storm.stderr
    assert "lost, twice, corrupt   0" in storm.stdout
