"""SIGINT, SIGTERM and SIGHUP to a run: the first one stops what is running and lets everything be undone, and
whoever sends another one later wants the end now: the guardian, which sees the run end, clears up then."""

import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any

__all__ = ["SIGNALS", "Interruption"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ONE_REQUEST = 0.5
"""Seconds within which several signals are one request: timeout(1) and uv send theirs to the process and to
its group, and of a closed terminal both the kernel and the shell tell."""


class Interruption:
    """A context manager that handles the signals while it is open; main thread only.

    KeyboardInterrupt is raised only where it is expected: in code that was called, directly or not,
    by one of the functions whose code is in `raise_in`; elsewhere the run goes on until it looks at
    `signal`. In both cases `noticed` is called first, with the signal's name. A signal that is
    ignored (in a background job of a script, SIGINT is) stays ignored.

    A second SIGINT or SIGTERM ends the process at once, with 128 + its number: no fault is healed by the run,
    and no report is written. SIGHUP never does, for nobody sends it in a hurry.
    """

    def __init__(self, *, raise_in: Collection[CodeType], noticed: Callable[[str], None]) -> None:
        self._raise_in = frozenset(raise_in)
        self._noticed = noticed
        self._before: dict[signal.Signals, Any] = {}
        self._since = 0.0
        self.signal: signal.Signals | None = None
        """The first signal, once there was one."""

    def __enter__(self) -> "Interruption":
        for number in SIGNALS:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.signal is not None:
            if number != signal.SIGHUP and time.monotonic() - self._since > _ONE_REQUEST:
                _say(f"{name}: ending now; what is not undone yet is removed, no report is written")
                os._exit(128 + number)
            return
        self.signal, self._since = signal.Signals(number), time.monotonic()
        _say(f"{name}: stopping, and undoing what was begun")
        self._noticed(name)
        if self._may_raise(frame):
            raise KeyboardInterrupt(name)

    def _may_raise(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code in self._raise_in:
                return True
            frame = frame.f_back
        return False


def _say(line: str) -> None:
    """Past Python's buffers, which a signal handler may find in the middle of a write."""
    with suppress(OSError):  # a closed terminal
        os.write(2, f"\n{line}\n".encode())
