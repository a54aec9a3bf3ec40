"""What the operator's processes print: whole lines on standard output, written at once."""

import contextlib
import os
import sys
from typing import NoReturn


def say(text: str) -> None:
    """Print `text`; its further lines are indented, so that each event begins a line of its own.

    Control characters are shown escaped: a counter's name or a command's output cannot clear the
    reader's terminal. A reader that has gone away does not stop the operator.
    """
    first, *rest = (_visible(line) for line in text.splitlines() or [""])
    try:
        sys.stdout.write("\n".join([first, *(f"    {line}" for line in rest)]) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.close(null)


def complain(text: str) -> None:
    """Print an error for the person at the terminal, as one line on standard error."""
    print(f"operator: {' '.join(text.split())}", file=sys.stderr, flush=True)  # noqa: T201


def leave(status: int) -> NoReturn:
    """End the process now: an import or a name lookup may still go on in some thread."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _visible(line: str) -> str:
    return "".join(
        char if char.isprintable() or char == "\t" else char.encode("unicode_escape").decode()
        for char in line
    )
