"""What supervising costs: 500 processes started and stopped, beside bare fork and exec, and the memory.

    uv run python benchmarks/supervising.py

Both start the same program from the same directory and environment, and both end with SIGTERM and a wait for
each. Bare is what subprocess does with pipes for what is printed, which nobody reads.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.machine.temporary import home
from support.supervisor import Command, Guardian, Supervisor

PROCESSES = 500
ROUNDS = 3
ARGV = ["/bin/sleep", "1000"]
PATH = {"PATH": os.defpath}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="supervising-") as directory:
        memory = 0.0
        bare, ours = [], []
        for number in range(ROUNDS):
            bare.append(started_and_stopped_bare(Path(directory)))
            *times, held = anyio.run(supervised, Path(directory) / str(number))
            ours.append(times)
            memory = memory or held  # later rounds use again what the first has taken
    for what, of_bare, of_ours in (
        ("start", min(each[0] for each in bare), min(each[0] for each in ours)),
        ("stop", min(each[1] for each in bare), min(each[1] for each in ours)),
        ("both", min(map(sum, bare)), min(map(sum, ours))),
    ):
        print(f"{what}: {of_ours:.2f} s supervised, {of_bare:.2f} s bare: {of_ours / of_bare:.2f} ×")
    print(f"memory of the harness for each: {memory:.0f} KiB")


def started_and_stopped_bare(directory: Path) -> tuple[float, float]:
    """Seconds to start all, and to stop them."""
    began = time.perf_counter()
    started = [
        subprocess.Popen(
            ARGV,
            cwd=directory,
            env=PATH,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        for _ in range(PROCESSES)
    ]
    up = time.perf_counter()
    for process in started:
        process.send_signal(signal.SIGTERM)
    for process in started:
        process.communicate()
    return up - began, time.perf_counter() - up


async def supervised(directory: Path) -> tuple[float, float, float]:
    """Seconds to start all, and to stop them; KiB of memory that each takes while it runs."""
    directory.mkdir()
    with Guardian.start(home()) as guardian:
        async with Supervisor(directory / "spools", guardian=guardian) as supervisor:
            before, began = resident(), time.perf_counter()
            for number in range(PROCESSES):
                await supervisor.spawn(Command(name=f"sleep-{number}", argv=ARGV, cwd=directory, env=PATH))
            up, held = time.perf_counter(), resident()
        return up - began, time.perf_counter() - up, (held - before) / PROCESSES


def resident() -> float:
    """KiB of this process that are in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise RuntimeError("the kernel does not say how much memory this process has")


if __name__ == "__main__":
    main()
