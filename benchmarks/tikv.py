"""What a TiKV stack of stand-ins costs: its start, the recovery of a killed store, and doing nothing.

usage: python benchmarks/tikv.py [ROUNDS]

The worst of each is what counts. Run it under `taskset -c 0,1` for two cores.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import anyio

from support.machine.temporary import home
from support.stacks.tikv_on_processes import tikv_on_processes
from support.stacks.tikv_programs import stand_ins
from support.supervisor import Guardian, Supervisor

ROOT = Path(__file__).parents[1]
IDLE_SECONDS = 10
TICKS = os.sysconf("SC_CLK_TCK")


async def start_and_idle(spools: Path) -> tuple[float, float]:
    """Seconds from nothing to the steady state, and the share of a core that six nodes use then."""
    with Guardian.start(home()) as guardian:
        directory = guardian.directory / "s"
        directory.mkdir()
        started = time.monotonic()
        async with (
            Supervisor(spools, guardian=guardian) as supervisor,
            tikv_on_processes(stand_ins(), directory=directory, supervisor=supervisor) as stack,
        ):
            await stack.steady(within=60)
            cold = time.monotonic() - started
            pids = [int(str(node.inspect()["pid"])) for node in stack.nodes.values()]
            before = cpu_seconds(pids)
            await anyio.sleep(IDLE_SECONDS)
            return cold, (cpu_seconds(pids) - before) / IDLE_SECONDS


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of some processes (proc_pid_stat(5))."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def recovery(reports: Path) -> float:
    """Seconds from the kill of a store to the steady state of the stack, in one run of that scenario."""
    name = "is killed: the agent brings it back"
    command = [sys.executable, "-m", "behave", "--tags", "@DEMO-04.4", "--name", name]
    subprocess.run([*command, "-D", f"reports={reports}"], cwd=ROOT, check=True, capture_output=True)
    (timeline,) = reports.rglob("timeline.ndjson")
    events = [json.loads(line) for line in timeline.read_text(encoding="utf-8").splitlines()]
    fault = next(event["at"] for event in events if event["kind"] == "fault.injected")
    steady = [event["at"] for event in events if event["kind"] == "stack.steady" and event["at"] > fault]
    return (steady[-1] - fault) / 1e9


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as directory:
        runs = [anyio.run(start_and_idle, Path(directory) / f"cold-{n}") for n in range(rounds)]
        recovered = [recovery(Path(directory) / f"recovery-{n}") for n in range(rounds)]
    cold, idle = zip(*runs, strict=True)
    print(f"{len(os.sched_getaffinity(0))} cores, {rounds} rounds")
    print(f"stack cold start              {median(cold):5.2f} s   (worst {max(cold):.2f} s)")
    print(f"killed to verified recovery   {median(recovered):5.2f} s   (worst {max(recovered):.2f} s)")
    print(f"six idle nodes                {median(idle):5.1%} of a core (worst {max(idle):.1%})")


if __name__ == "__main__":
    main()
