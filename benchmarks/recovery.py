"""How long the rate limiter stack takes to start, a fault to be repaired, and where that time goes.

usage: python benchmarks/recovery.py [ROUNDS]

Prints seconds of one run, and each part of a recovery as a share of the whole: machines differ, shares less.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import anyio

from support.machine.temporary import home
from support.stacks.process import ratelimiter_on_processes
from support.supervisor import Guardian, Supervisor

ROOT = Path(__file__).parents[1]
DEMO = "features/operator/rate_limiter_demo.feature"
PARTS = ("fault.injected", "violation.reported", "ticket.opened", "session.started", "tool.called")
ENDS = ("ticket.resolved", "stack.steady")


async def cold_start(spools: Path) -> float:
    """Seconds from nothing to the steady state of Redis and three nodes."""
    with Guardian.start(home()) as guardian:
        directory = guardian.directory / "s"
        directory.mkdir()
        started = time.monotonic()
        async with (
            Supervisor(spools, guardian=guardian) as supervisor,
            ratelimiter_on_processes(directory=directory, supervisor=supervisor, environ=os.environ) as stack,
        ):
            await stack.steady(within=30)
            return time.monotonic() - started


def recovery(reports: Path) -> dict[str, float]:
    """Seconds after the fault at which each thing happened first, in one run of DEMO-05.4."""
    command = [sys.executable, "-m", "behave", DEMO, "--tags", "@DEMO-05.4", "-D", f"reports={reports}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (timeline,) = reports.rglob("timeline.ndjson")
    events = [json.loads(line) for line in timeline.read_text(encoding="utf-8").splitlines()]
    events.sort(key=lambda event: event["at"])
    fault = next(event["at"] for event in events if event["kind"] == "fault.injected")
    first: dict[str, float] = {}
    for event in events:
        if event["at"] >= fault:
            first.setdefault(event["kind"], (event["at"] - fault) / 1e9)
    return first


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as directory:
        cold = [anyio.run(cold_start, Path(directory) / f"cold-{n}") for n in range(rounds)]
        runs = [recovery(Path(directory) / f"recovery-{n}") for n in range(rounds)]
    print(f"{len(os.sched_getaffinity(0))} cores")
    print(f"stack cold start       {median(cold):5.2f} s   (worst {max(cold):.2f} s, {rounds} rounds)")
    whole = [run["stack.steady"] for run in runs]
    print(f"fault to recovery      {median(whole):5.2f} s   (worst {max(whole):.2f} s)")
    for before, after in pairwise((*PARTS, *ENDS)):
        part = median((run[after] - run[before]) / run["stack.steady"] for run in runs)
        print(f"  {before:>18} → {after:<18} {part:4.0%}")


if __name__ == "__main__":
    main()
