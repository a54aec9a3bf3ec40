"""What all workers are about, while they are: lines that change in place on a terminal, and elsewhere one
line now and then."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from support.report.console import Style
from support.terminal import say

__all__ = ["AtWork", "Progress", "State"]

_ANEW = 0.2
_NOW_AND_THEN = 20.0
"""Seconds between two pictures on a terminal, and between two lines elsewhere."""
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class AtWork:
    """A scenario that runs, the sentence that it is at, and for how many seconds it has run."""

    name: str
    sentence: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class State:
    """How far a run is; `to_go` is in seconds, as far as that can be known."""

    total: int
    done: int
    red: tuple[str, ...]
    at_work: tuple[AtWork, ...]
    to_go: float


class Progress:
    """Shows the state of a run on a stream; `clear` makes room for what stays there."""

    def __init__(self, stream: TextIO, *, style: Style, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._style = style
        self._clock = clock
        self._in_place = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._shown = 0
        self._next = clock() + (0.0 if self._in_place else _NOW_AND_THEN)

    def show(self, state: Callable[[], State]) -> None:
        """Show the state, if it is time for that."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + (_ANEW if self._in_place else _NOW_AND_THEN)
        if self._in_place:
            width = shutil.get_terminal_size().columns - 1
            lines = [self._style.text(line)[:width] for line in _picture(state())]
            say(self._erased() + "".join(f"{line}\n" for line in lines), self._stream)
            self._shown = len(lines)
        else:
            say(f"{self._style.text(_line(state()))}\n", self._stream)

    def clear(self) -> None:
        """Take away what would change."""
        if self._shown:
            say(self._erased(), self._stream)
            self._shown = 0
            self._next = self._clock()

    def _erased(self) -> str:
        return f"\x1b[{self._shown}A\x1b[J" if self._shown else ""


def _picture(state: State) -> Iterator[str]:
    yield ""
    yield f"{_counted(state)}, {_to_go(state)}"
    for at_work in state.at_work:
        yield f"  {at_work.seconds:5.1f} s  {at_work.name}: {at_work.sentence}"
    yield from (f"  red: {name}" for name in _named(state.red))


def _line(state: State) -> str:
    longest = max(state.at_work, key=lambda at_work: at_work.seconds, default=None)
    text = f"… {_counted(state)}, {_to_go(state)}"
    if longest is not None:
        text += f"; longest at work: {longest.name} ({longest.seconds:.0f} s), at: {longest.sentence}"
    if state.red:
        text += f"; red: {', '.join(_named(state.red))}"
    return text


def _counted(state: State) -> str:
    return f"{state.done} of {state.total} scenarios done, {len(state.at_work)} at work"


def _to_go(state: State) -> str:
    return f"about {max(1.0, state.to_go):.0f} s to go"


def _named(names: Sequence[str]) -> list[str]:
    rest = len(names) - _NAMED
    return [*names[:_NAMED], *([f"and {rest} more"] if rest > 0 else [])]
