"""What a process prints: waiting for lines of it, and reading it again later.

mark = process.output.mark()
await process.output.line("Created ticket (\\d+)", since=mark, within=5)
await process.output.never("Traceback", since=mark, for_=2)
"""

import heapq
import os
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.lowlevel

from support.supervisor.capture import Capture
from support.supervisor.commands import Exit
from support.supervisor.errors import DiedEarly, NotSeen, Unexpected
from support.supervisor.reading import File, Line, Scan, before_the_end
from support.supervisor.spool import Bell

_PIECE = 64 * 1024  # bytes
_SHOWN = 400  # characters of a line that an error message shows


@dataclass(frozen=True)
class Mark:
    """A moment in what a process prints. Lines that end after it come "since" it."""

    at: int
    """Monotonic nanoseconds."""
    positions: Mapping[str, int]
    """By stream, the offset in its spool where the line begins that was being printed."""


@dataclass(frozen=True)
class Printer:
    """What an output has to know of the process behind it."""

    name: str
    condition: Callable[[], str]
    """In words: "alive, pid 17", "exit status 1"."""
    exit: Callable[[], Exit | None]


class Output:
    """What one process prints, on all its streams. Lines of one stream come in their order; those of
    different streams are ordered by time."""

    def __init__(self, printer: Printer, captures: Sequence[Capture], bell: Bell) -> None:
        self._printer = printer
        self._captures = tuple(captures)
        self._bell = bell

    @property
    def over(self) -> bool:
        """The process has ended, and everything it printed has been taken in."""
        return self._printer.exit() is not None and all(capture.drained for capture in self._captures)

    @property
    def stdout(self) -> "Stream":
        return self._named("stdout")

    @property
    def stderr(self) -> "Stream":
        return self._named("stderr")

    @property
    def terminal(self) -> "Stream":
        return self._named("terminal")

    @property
    def paths(self) -> tuple[Path, ...]:
        """The spool of each stream, which is there once something was printed."""
        return tuple(capture.path for capture in self._captures)

    def mark(self) -> Mark:
        """This moment. What has been printed by now, even if nobody has read it yet, lies before it."""
        positions = {}
        for capture in self._captures:
            capture.catch_up()
            positions[capture.name] = capture.last_line
        return Mark(time.monotonic_ns(), positions)

    async def line(self, pattern: str | re.Pattern[str], *, since: Mark | None = None, within: float) -> Line:
        """Waits until a line matches (`re.search`), for `within` seconds at most. `since` None: from the
        beginning.

        On a terminal a line need not have ended to match: prompts have no newline. Raises NotSeen when the
        time is over, or at once when the process has ended without such a line.
        """
        pattern = re.compile(pattern)
        line, over = await self._first(pattern, since, within)
        if line is not None:
            return line
        how_long = "before its output ended" if over else f"within {within:g} s"
        raise NotSeen(
            f"{self._printer.name} printed no line matching {pattern.pattern!r} {how_long}"
            f"{' (counted from a mark)' if since else ''}.\n{self.describe()}"
        )

    async def never(self, pattern: str | re.Pattern[str], *, since: Mark | None = None, for_: float) -> None:
        """Watches for `for_` seconds that no line matches; what was printed since the mark counts as well.

        Raises Unexpected with the line as soon as one does, and DiedEarly if the process ends meanwhile: the
        silence of the dead proves nothing.
        """
        pattern = re.compile(pattern)
        line, over = await self._first(pattern, since, for_)
        if line is not None:
            raise Unexpected(
                f"{self._printer.name} printed what it should not ({pattern.pattern!r}): line {line.number} "
                f"of {line.stream}: {line.text[:_SHOWN]}\n{self.describe()}",
                line,
            )
        if over:
            exit_ = self._printer.exit()
            assert exit_ is not None
            raise DiedEarly(
                f"{self._printer.name} ended ({exit_}) while it was watched for {for_:g} s for lines "
                f"matching {pattern.pattern!r}.\n{self.describe()}",
                exit_,
            )

    async def follow(
        self, pattern: str | re.Pattern[str] | None = None, *, since: Mark | None = None
    ) -> AsyncGenerator[Line, None]:
        """Every matching line as it comes, until the output is over; those of one stream in their order."""
        compiled = re.compile(pattern) if pattern is not None else None
        with ExitStack() as stack:
            scans = [
                (capture, stack.enter_context(capture.scan(compiled, _start(capture, since))))
                for capture in self._captures
            ]
            while True:
                news = self._bell.listen()
                over = self.over
                for capture, scan in scans:
                    upto = capture.size
                    while (lines := scan.step(upto)) is not None:
                        for line in lines:
                            yield line
                        await anyio.lowlevel.checkpoint()
                    if over and (rest := scan.rest(upto)):
                        yield rest
                if over:
                    return
                await news.wait()

    def lines(
        self, pattern: str | re.Pattern[str] | None = None, *, since: Mark | None = None
    ) -> Iterator[Line]:
        """What has been printed so far, read from disk bit by bit; an unfinished last line counts."""
        compiled = re.compile(pattern) if pattern is not None else None
        for capture in self._captures:
            capture.catch_up()
        each = [capture.so_far(compiled, _start(capture, since)) for capture in self._captures]
        return heapq.merge(*each, key=lambda line: line.at)

    def tail(self, count: int = 20) -> list[str]:
        """The last lines printed so far, an unfinished one included."""
        return [line.text for line in self._last(count)]

    def describe(self) -> str:
        """For error messages: the state of the process, its last lines, and where to read the rest."""
        shown = [f"    {line.stream} | {line.text[:_SHOWN]}" for line in self._last(20)]
        last = ["  last lines:", *shown] if shown else ["  it printed nothing"]
        paths = [str(capture.path) for capture in self._captures if capture.size]
        whole = [f"  whole output: {', '.join(paths)}"] if paths else []
        return "\n".join([f"  process: {self._printer.condition()}", *last, *whole])

    def _last(self, count: int) -> list[Line]:
        each = []
        for capture in self._captures:
            capture.catch_up()
            start = before_the_end(capture.path, capture.last_line, count)
            each.append(capture.so_far(None, start))
        return list(heapq.merge(*each, key=lambda line: line.at))[-count:] if count > 0 else []

    async def _first(
        self, pattern: re.Pattern[str], since: Mark | None, within: float
    ) -> tuple[Line | None, bool]:
        """The first matching line, or None and whether that is because the output is over."""
        with ExitStack() as stack:
            scans = [
                (capture, stack.enter_context(capture.scan(pattern, _start(capture, since))))
                for capture in self._captures
            ]
            found: list[Line] = []
            with anyio.move_on_after(within):
                while True:
                    news = self._bell.listen()
                    over = self.over
                    await _look(scans, found)
                    if found or over:
                        return _earliest(found), over
                    await news.wait()
            # What was printed in time counts, though this program may have been too busy to look in time.
            for capture in self._captures:
                capture.catch_up()
            await _look(scans, found)
            return _earliest(found), False

    def _named(self, name: str) -> "Stream":
        for capture in self._captures:
            if capture.name == name:
                return Stream(self._printer, [capture], self._bell)
        names = " and ".join(capture.name for capture in self._captures)
        raise LookupError(f"{self._printer.name} has no {name}; it has {names}")


class Stream(Output):
    """One stream of an output, by itself."""

    @property
    def path(self) -> Path:
        """Its spool, which is there once something was printed."""
        return self._captures[0].path

    async def data(self) -> AsyncGenerator[bytes, None]:
        """The bytes as they come, from the first, until the output is over."""
        offset = 0
        with closing(File(self.path)) as spool:
            while True:
                news, over = self._bell.listen(), self.over
                while offset < self._captures[0].size:
                    data = os.pread(spool.fd, _PIECE, offset)
                    offset += len(data)
                    yield data
                if over:
                    return
                await news.wait()


def _start(capture: Capture, since: Mark | None) -> int:
    return 0 if since is None else since.positions[capture.name]


async def _look(scans: Sequence[tuple[Capture, Scan]], found: list[Line]) -> None:
    """Adds the first match of each stream. If it is cancelled in between, what was found is not lost."""
    for capture, scan in scans:
        line = await _first_in(capture, scan)
        if line is not None:
            found.append(line)


def _earliest(lines: Sequence[Line]) -> Line | None:
    return min(lines, key=lambda line: line.at, default=None)


async def _first_in(capture: Capture, scan: Scan) -> Line | None:
    complete = capture.drained
    upto = capture.size
    while (lines := scan.step(upto)) is not None:
        if lines:
            return lines[0]
        await anyio.lowlevel.checkpoint()  # others go on meanwhile, however much there is to look through
    return scan.rest(upto) if complete or capture.name == "terminal" else None
