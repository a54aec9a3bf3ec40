"""`acceptance repeat --times N …`: the same scenarios again and again, and what that says of them.

usage: acceptance repeat --times N [--reports DIR] [behave's own options and paths]
"""

import argparse
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from support.report.repeats import lines, repeated
from support.report.traceability import from_json
from support.report.write import TRACEABILITY
from support.terminal import say
from support.workers.durations import DURATIONS

__all__ = ["main"]

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(words: Sequence[str]) -> int:
    """Run behave so many times, one after the other, and print what all runs show.

    Returns 0 when every run was green, 1 when one was not or told nothing, and 128 + its number after a
    signal, when the run at which that came has been undone.
    """
    parser = argparse.ArgumentParser(
        prog="acceptance repeat",
        description="Scenarios again and again: how often each passes, which are flaky, how measures spread.",
        epilog="Everything else is handed to behave: --tags, --name, --jobs, -D …, features",
    )
    parser.add_argument("--times", type=_times, required=True, metavar="N", help="how often")
    parser.add_argument("--reports", type=Path, default=Path("reports/repeat"), metavar="DIR")
    options, others = parser.parse_known_args(words)
    runs, red = [], 0
    for number in range(1, options.times + 1):
        reports = options.reports / f"run-{number}"
        reports.mkdir(parents=True, exist_ok=True)
        (reports / TRACEABILITY).unlink(missing_ok=True)
        command = [sys.executable, "-m", "behave", "--no-summary", *others, "-D", f"reports={reports}"]
        with suppress(FileNotFoundError):  # there is none of the first
            shutil.copy(options.reports / f"run-{number - 1}" / DURATIONS, reports / DURATIONS)
        try:
            status, output = _run(command)
        except _Stopped as stopped:
            return 128 + stopped.number
        say(f"run {number} of {options.times}: {'red' if status else 'green'}\n", sys.stdout)
        if not (reports / TRACEABILITY).exists():
            say(output, sys.stderr)
            return 1
        red += status != 0
        runs.append(from_json((reports / TRACEABILITY).read_bytes()))
    say("".join(f"{line}\n" for line in lines(repeated(runs))), sys.stdout)
    return 1 if red else 0


class _Stopped(Exception):
    """Somebody wants no more of it; the run that was going on has undone what it did."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _run(command: Sequence[str]) -> tuple[int, str]:
    """The exit status and what was printed. Hands signals on to the run, and raises _Stopped at its end."""
    heard: list[int] = []
    running: list[subprocess.Popen[str]] = []

    def hear(number: int, _: object) -> None:
        heard.append(number)
        for process in running:
            process.send_signal(number)

    before = {number: signal.signal(number, hear) for number in _STOPPING}
    try:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            running.append(process)
            if heard:  # before it was there
                process.send_signal(heard[0])
            output, _ = process.communicate()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        raise _Stopped(heard[0])
    return process.returncode, output


def _times(text: str) -> int:
    if not text.isdecimal() or text == "0":
        raise argparse.ArgumentTypeError("a number from 1 on")
    return int(text)
