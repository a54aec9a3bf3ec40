"""Where the CPU-seconds of a run go: to what is tested, to the stacks, or to the suite itself.

    uv run python benchmarks/waste.py --tags @DEMO-05.4     # any of behave's options

Looks ten times a second at what every process of the run has used, proc(5); what a process uses in its last
tenth is missed. `waste.md` has what this printed before and after waste was removed.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
EVERY = 0.1  # seconds
PARTS = (
    ("systems.operator agent", "agents"),
    ("systems.operator monitor", "monitors"),
    ("systems.ratelimiter", "rate limiter nodes"),
    ("systems.tikv", "TiKV stand-ins"),
    ("redis-server", "Redis"),
    ("-m demo", "demos"),
    ("leftovers.py", "guardians"),
    ("-m behave", "the suite: runner and workers"),
)
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    used: dict[tuple[int, int], tuple[str, float]] = {}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        run = subprocess.Popen(
            [sys.executable, "-m", "behave", *sys.argv[1:], "-D", f"reports={directory}"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        while run.poll() is None:
            for key, command, seconds in descendants(run.pid):
                used[key] = (command or used.get(key, ("", 0))[0], seconds)  # a zombie has no command line
            time.sleep(EVERY)
    wall = time.monotonic() - began
    parts: dict[str, float] = {}
    for command, seconds in used.values():
        part = next((name for pattern, name in PARTS if pattern in command), "commands that they ran")
        parts[part] = parts.get(part, 0.0) + seconds
    total = sum(parts.values())
    print(
        f"behave {' '.join(sys.argv[1:])}: exit status {run.returncode}, "
        f"{wall:.1f} s wall, {total:.1f} CPU-seconds"
    )
    for part, seconds in sorted(parts.items(), key=lambda each: -each[1]):
        print(f"{part:<32} {seconds:6.1f} s  {seconds / total:4.0%}")


def descendants(root: int) -> Iterator[tuple[tuple[int, int], str, float]]:
    """(pid, start), command line and CPU-seconds of a process and all that descend from it."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found[int(entry.name)] = (int(fields[1]), int(fields[19]), command, int(fields[11]) + int(fields[12]))
    for pid, (parent, started, command, ticks) in found.items():
        while parent in found and pid != root and parent != root:
            parent = found[parent][0]
        if root in (pid, parent):
            yield (pid, started), command, ticks / TICKS


if __name__ == "__main__":
    main()
