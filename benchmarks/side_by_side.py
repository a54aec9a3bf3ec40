"""What running scenarios costs: the default suite side by side, and a thousand that do nothing.

    uv run python benchmarks/side_by_side.py

The bound is what no order of the scenarios can beat: the longest of them, or the work there is for the cores.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRIVIAL = 1000
ROUNDS = 3
_OURS = """
[tool.behave]
paths = ["features"]
runner = "support.runner:AcceptanceRunner"
default_format = "support.report.formatter:ConsoleFormatter"
"""
_REGISTER = """
[[requirement]]
id = "DEMO-01"
title = "It works"
statement = "It works."
source = "this benchmark"
criteria = [{ id = "DEMO-01.1", text = "It works." }]
"""


def timed(directory: Path, *options: str) -> tuple[float, float]:
    """Wall and CPU seconds of one run of behave, all its processes included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "behave", *options], cwd=directory, capture_output=True, text=True, check=False
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        print(f"behave {' '.join(options)}: exit status {done.returncode}\n{done.stdout[-2000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def suite(reports: Path) -> None:
    """The default suite with --jobs 0, after a run that has measured how long its scenarios take."""
    cores = len(os.sched_getaffinity(0))
    for name in ("first run", "with times known"):
        wall, cpu = timed(ROOT, "--jobs", "0", "-D", f"reports={reports}")
        longest = max(json.loads((reports / "durations.json").read_text(encoding="utf-8")).values())
        bound = max(longest, cpu / cores)
        print(
            f"{name}: {wall:.0f} s wall, {cpu:.0f} CPU-seconds on {cores} cores, longest scenario "
            f"{longest:.0f} s: {wall / bound:.2f} × the bound"
        )


def trivial(tree: Path) -> None:
    """Scenarios that do nothing, with our runner and reports and with behave's own."""
    (tree / "features").mkdir()
    (tree / "steps").mkdir()
    (tree / "systems/operator").mkdir(parents=True)
    (tree / "systems/operator/profile.toml").write_text('[operator]\nmonitor = ["{python}"]\n')
    (tree / "features/requirements.toml").write_text(_REGISTER)
    (tree / "steps/steps.py").write_text("from behave import step\n@step('it passes')\ndef _(c): pass\n")
    scenarios = "".join(f"  Scenario: {n}\n    Given it passes\n    Then it passes\n" for n in range(TRIVIAL))
    (tree / "features/one.feature").write_text(f"Feature: one\n{scenarios}")
    plain: list[float] = []
    ours: list[float] = []
    beside: list[float] = []
    for _ in range(ROUNDS):
        (tree / "pyproject.toml").write_text('[tool.behave]\npaths = ["features"]\n')
        plain.append(timed(tree, "--format", "progress", "--junit")[0])
        (tree / "pyproject.toml").write_text(_OURS)
        ours.append(timed(tree)[0])
        beside.append(timed(tree, "--jobs", "4")[0])
    print(
        f"{TRIVIAL} trivial scenarios: plain behave {min(plain):.2f} s, one job {min(ours):.2f} s = "
        f"{min(ours) / min(plain):.2f} ×, four jobs {min(beside):.2f} s = {min(beside) / min(plain):.2f} ×"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        tree.mkdir()
        trivial(tree)
        suite(Path(directory) / "reports")
