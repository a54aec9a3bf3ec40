"""The figures of the demo: first paint, key to screen, line to panel, and what a flood costs.

usage: python benchmarks/demo.py

All times are upper bounds: the screen is looked at some 20 ms after it has changed.
"""

import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from support.evidence.screen import Screen, Shot
from support.supervisor import Command, Process, Supervisor, Terminal

_PANELS = ("Cluster", "Chapter", "Monitor", "Agent", "Workload")
_KEYS, _SECONDS = 60, 20
_STEADY = """
import sys, time
due = time.monotonic()
number = 0
while True:
    number += 1
    print("line", number, "stamp", time.monotonic_ns() if number % 20 == 0 else "none", flush=True)
    due += 1 / 200
    time.sleep(max(0, due - time.monotonic()))
"""
_FLOOD = """
import sys, time
time.sleep(2)
worst, began = 0, time.monotonic()
for number in range(60_000):
    at = time.monotonic()
    print("line", number, "of a flood that comes as fast as ten thousand lines in a second", flush=True)
    worst = max(worst, time.monotonic() - at)
    time.sleep(max(0, began + number / 10_000 - time.monotonic()))
print(f"worst {worst * 1000:.0f} ms, took {time.monotonic() - began:.1f} s", flush=True)
time.sleep(3600)
"""


@asynccontextmanager
async def _demo(agent: str, directory: Path) -> AsyncIterator[tuple[Process, Screen]]:
    profile = directory / "profile.toml"
    words = [[sys.executable, "-c", program] for program in ("import time; time.sleep(3600)", agent)]
    profile.write_text(
        f"[operator]\nmonitor = {json.dumps(words[0])}\nagent = {json.dumps(words[1])}\n", encoding="utf-8"
    )
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    async with Supervisor(directory / "spools") as supervisor:
        command = Command(
            name="demo",
            argv=[sys.executable, "-m", "demo", "ratelimiter", "--operator", str(profile)],
            cwd=Path.cwd(),
            env=environment,
            terminal=Terminal(columns=80, rows=24),
        )
        process = await supervisor.spawn(command)
        async with Screen.of(process, columns=80, rows=24) as screen:
            yield process, screen
            screen.press("q")
            await process.wait()


async def _first_paint(directory: Path) -> None:
    began = time.monotonic()
    async with _demo("import time; time.sleep(3600)", directory) as (_, screen):
        await screen.until(_whole, within=30, what="first paint")
        _print("first paint", f"{time.monotonic() - began:.2f} s", "1.5 s")


async def _under_200_lines(directory: Path) -> None:
    async with _demo(_STEADY, directory) as (_, screen):
        delays: dict[int, float] = {}

        def note() -> None:
            now = time.monotonic_ns()
            for stamp in re.findall(r"stamp (\d{10,})", screen.shot.panel("Agent").text.replace("\n", "")):
                delays.setdefault(int(stamp), (now - int(stamp)) / 1e6)

        await screen.until(lambda shot: "line 100" in shot.panel("Agent").text, within=30, what="lines")
        screen.on_change = note
        await anyio.sleep(_SECONDS)
        screen.on_change = lambda: None
        # What was on the panel before the first look came earlier than it was noted.
        _print("line to panel at 200 lines/s, p99", f"{_p99(list(delays.values())[15:]):.0f} ms", "500 ms")
        presses = []
        for number in range(_KEYS):
            key, above = (("HOME", True), ("END", False))[number % 2]
            began = time.monotonic()
            screen.press(key)
            await screen.until(_scrolled(above=above), within=30, what=key)
            presses.append((time.monotonic() - began) * 1000)
        _print("key to screen at 200 lines/s, p99", f"{_p99(presses):.0f} ms", "100 ms")


async def _flooded(directory: Path) -> None:
    async with _demo(_FLOOD, directory) as (process, screen):
        await screen.until(lambda shot: "of a flood" in shot.panel("Agent").text, within=30, what="the flood")
        began, before = time.monotonic(), _cpu(process.pid)
        shot = await screen.until(
            lambda shot: "worst" in shot.panel("Agent").text, within=120, what="its end"
        )
        share = (_cpu(process.pid) - before) / (time.monotonic() - began)
        told = re.search(r"worst (\d+) ms, took ([\d.]+) s", shot.panel("Agent").text)
        assert told is not None
        _print("a flood of 10,000 lines/s costs", f"{share:.0%} of a core", "100 %")
        _print("its 60,000 lines were printed in", f"{told.group(2)} s", "6 s, as without a demo")
        _print("the longest that one line was held up", f"{told.group(1)} ms", "")


def _whole(shot: Shot) -> bool:
    return all(not shot.panel(title).damage for title in _PANELS)


def _scrolled(*, above: bool) -> Callable[[Shot], bool]:
    def holds(shot: Shot) -> bool:
        return ("line 1 " in shot.panel("Agent").text.split("stamp")[0]) == above

    return holds


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def _print(what: str, measured: str, wanted: str) -> None:
    print(f"{what:<45} {measured:>15}   at most {wanted}" if wanted else f"{what:<45} {measured:>15}")


async def main() -> None:
    for measure in (_first_paint, _under_200_lines, _flooded):
        with tempfile.TemporaryDirectory() as directory:
            await measure(Path(directory))


if __name__ == "__main__":
    anyio.run(main)
