"""`acceptance repeat --times N …`: the same scenarios again and again, and what that says of them.

usage: acceptance repeat --times N [--reports DIR] [behave's own options and paths]
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from support.report.repeats import lines, repeated
from support.report.traceability import from_json
from support.report.write import TRACEABILITY
from support.terminal import say

__all__ = ["main"]


def main(words: Sequence[str]) -> int:
    """Run behave so many times, one after the other, and print what all runs show.

    Returns 0 when every run was green, 1 when one was not or told nothing, and 130 after Ctrl-C, when the run
    at which that came has been undone.
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
        (reports / TRACEABILITY).unlink(missing_ok=True)
        command = [sys.executable, "-m", "behave", "--no-summary", *others, "-D", f"reports={reports}"]
        status, output = _run(command)
        if status is None:
            return 130
        say(f"run {number} of {options.times}: {'red' if status else 'green'}\n", sys.stdout)
        if not (reports / TRACEABILITY).exists():
            say(output, sys.stderr)
            return 1
        red += status != 0
        runs.append(from_json((reports / TRACEABILITY).read_bytes()))
    say("".join(f"{line}\n" for line in lines(repeated(runs))), sys.stdout)
    return 1 if red else 0


def _run(command: Sequence[str]) -> tuple[int | None, str]:
    """The exit status and what was printed; no status after Ctrl-C, which a terminal has sent to both."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt:
            process.communicate()
            return None, ""
    return process.returncode, output


def _times(text: str) -> int:
    if not text.isdecimal() or text == "0":
        raise argparse.ArgumentTypeError("a number from 1 on")
    return int(text)
