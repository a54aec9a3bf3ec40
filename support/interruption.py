"""SIGINT, SIGTERM and SIGHUP to a run: the first one stops what is running and lets everything be undone, the
others are noted and change nothing, for a second Ctrl-C must not break the clean-up of the first."""

import os
import signal
from collections.abc import Callable, Collection
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any

__all__ = ["Interruption"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """A context manager that handles the signals while it is open; main thread only.

    KeyboardInterrupt is raised only where it is expected: in code that was called, directly or not,
    by one of the functions whose code is in `raise_in`; elsewhere the run goes on until it looks at
    `signal`. In both cases `noticed` is called first, with the signal's name. A signal that is
    ignored (in a background job of a script, SIGINT is) stays ignored.
    """

    def __init__(self, *, raise_in: Collection[CodeType], noticed: Callable[[str], None]) -> None:
        self._raise_in = frozenset(raise_in)
        self._noticed = noticed
        self._before: dict[signal.Signals, Any] = {}
        self.signal: signal.Signals | None = None
        """The first signal, once there was one."""

    def __enter__(self) -> "Interruption":
        for number in _SIGNALS:
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
            _say(f"{name}: still stopping; kill -9 {os.getpid()} leaves what is not undone yet")
            return
        self.signal = signal.Signals(number)
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
