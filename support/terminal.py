"""A terminal that goes away, or was never there: the run goes on to its report all the same."""

import os
import select
import sys
from contextlib import suppress
from typing import Any, TextIO

__all__ = ["leave_unread", "open_missing", "say"]


def open_missing() -> None:
    """Give standard streams that were closed before the start, or that nobody reads, a place to go to.

    Without one, the next file or socket that is opened would get the number of standard output, and
    whatever is printed.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
        elif mode == "w" and _is_unread(number):
            leave_unread(getattr(sys, name))


def _is_unread(number: int) -> bool:
    poll = select.poll()
    poll.register(number, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def leave_unread(stream: Any) -> None:
    """Let a stream whose reader is gone write to nowhere from now on, or Python fails at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say(text: str, stream: TextIO) -> None:
    """Print a text, if anybody reads it."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:  # a closed pipe, a terminal that was hung up
        leave_unread(stream)
