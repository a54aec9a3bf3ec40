"""Reads lines back from a spool, in bounded memory however long the lines or the spool."""

import os
import re
from bisect import bisect_right
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from support.supervisor.spool import RECORD, index_of

LINE_LIMIT = 64 * 1024
"""Bytes of a line that are looked at; the rest of a longer one is on disk only."""
_BLOCK = 1024  # index records read at once


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line that a process printed."""

    text: str
    """Without its newline; decoded as UTF-8, with U+FFFD for what is not. At most the first 64 KiB."""
    at: int
    """When its end was read, in monotonic nanoseconds."""
    stream: str
    """"stdout", "stderr" or "terminal"."""
    number: int
    """From 1."""
    offset: int
    """Of its first byte in the spool."""
    match: re.Match[str] | None = None
    """Where the pattern it was looked for with matched."""


class RawLine(NamedTuple):
    """A line as it lies in the spool."""

    before: int
    """How many lines lie between it and the start of the reading."""
    offset: int
    last: int
    """Offset of its newline or, if it has none yet, of its last byte."""
    data: bytes
    """At most LINE_LIMIT bytes, without the newline."""


class File:
    """A file that is opened when it is first read: there is a spool once there is a byte. Close it after
    use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: int | None = None

    @property
    def fd(self) -> int:
        if self._opened is None:
            self._opened = os.open(self._path, os.O_RDONLY)
        return self._opened

    def close(self) -> None:
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None


class Cursor:
    """Goes through the lines of a spool that is still being written."""

    def __init__(self, path: Path, start: int) -> None:
        """`start` is the offset where a line begins. Close it after use."""
        self._file = File(path)
        self._offset = start
        self._scanned = start
        self._lines = 0
        # Of a line longer than LINE_LIMIT: its beginning, while its end is looked for.
        self._head: bytes | None = None

    def batch(self, upto: int) -> list[RawLine] | None:
        """Some of the next whole lines that end before offset `upto`, maybe none; None if there are no
        more."""
        if self._scanned >= upto:
            return None
        data = os.pread(self._file.fd, min(LINE_LIMIT, upto - self._scanned), self._scanned)
        if self._head is not None:
            return self._go_on_with_long_line(data)
        end = data.rfind(b"\n")
        if end >= 0:
            return self._split(data[:end])
        if len(data) < LINE_LIMIT:
            return None
        self._head = data
        self._scanned += len(data)
        return []

    def rest(self, upto: int) -> RawLine | None:
        """The beginning of a line that has not ended before `upto`. Call it when `batch` has nothing more."""
        if self._offset >= upto:
            return None
        data = self._head
        if data is None:
            data = os.pread(self._file.fd, min(LINE_LIMIT, upto - self._offset), self._offset)
        return RawLine(self._lines, self._offset, upto - 1, data)

    def close(self) -> None:
        self._file.close()

    def _split(self, data: bytes) -> list[RawLine]:
        lines = []
        offset, before = self._offset, self._lines
        for text in data.split(b"\n"):
            end = offset + len(text)
            lines.append(RawLine(before, offset, end, text))
            before += 1
            offset = end + 1
        self._offset = self._scanned = offset
        self._lines = before
        return lines

    def _go_on_with_long_line(self, data: bytes) -> list[RawLine]:
        assert self._head is not None
        end = data.find(b"\n")
        if end < 0:
            self._scanned += len(data)
            return []
        line = RawLine(self._lines, self._offset, self._scanned + end, self._head)
        self._lines += 1
        self._offset = self._scanned = line.last + 1
        self._head = None
        return [line]


class LineCount:
    """Counts the lines of a spool, as far as somebody wants to know."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._upto = 0
        self._lines = 0

    def before(self, offset: int) -> int:
        """How many lines end before this offset."""
        if offset < self._upto:
            self._upto = self._lines = 0
        with self._path.open("rb", buffering=0) as spool:
            spool.seek(self._upto)
            while self._upto < offset and (data := spool.read(min(LINE_LIMIT, offset - self._upto))):
                self._upto += len(data)
                self._lines += data.count(b"\n")
        return self._lines


class Times:
    """Says when a byte of a spool came in. Close it after use."""

    def __init__(self, path: Path) -> None:
        self._index = File(index_of(path))
        self._starts: list[int] = []
        self._times: list[int] = []
        self._block = -1
        self._records = 0

    def at(self, offset: int) -> int:
        """Monotonic nanoseconds."""
        records = os.fstat(self._index.fd).st_size // RECORD.size
        if not self._starts or not self._starts[0] <= offset or not self._covers(offset, records):
            self._load(self._block_of(offset, records))
            self._records = records
        return self._times[bisect_right(self._starts, offset) - 1]

    def close(self) -> None:
        self._index.close()

    def _covers(self, offset: int, records: int) -> bool:
        # Where the last record loaded ends is not known, unless it is the last of all, then as now.
        last_of_all = self._block == (records - 1) // _BLOCK and self._records == records
        return offset < self._starts[-1] or last_of_all

    def _block_of(self, offset: int, records: int) -> int:
        low, high = 0, (records - 1) // _BLOCK
        while low < high:
            middle = (low + high + 1) // 2
            record = os.pread(self._index.fd, RECORD.size, middle * _BLOCK * RECORD.size)
            start: int = RECORD.unpack(record)[0]
            if start <= offset:
                low = middle
            else:
                high = middle - 1
        return low

    def _load(self, block: int) -> None:
        data = os.pread(self._index.fd, _BLOCK * RECORD.size, block * _BLOCK * RECORD.size)
        records = list(RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size]))
        self._starts = [record[0] for record in records]
        self._times = [record[1] for record in records]
        self._block = block


class Scan:
    """Looks for lines in one spool, from a position on. Close it after use."""

    def __init__(
        self, path: Path, *, stream: str, count: LineCount, start: int, pattern: re.Pattern[str] | None
    ) -> None:
        self._stream = stream
        self._pattern = pattern
        self._count = count
        self._start = start
        self._lines_before: int | None = None
        self._cursor = Cursor(path, start)
        self._times = Times(path)

    def step(self, upto: int) -> list[Line] | None:
        """What matches among some of the next whole lines before offset `upto`; None if there are no more."""
        batch = self._cursor.batch(upto)
        if batch is None:
            return None
        return [line for raw in batch if (line := self._matching(raw))]

    def rest(self, upto: int) -> Line | None:
        """The beginning of an unfinished line, if it matches. Call it when `step` has nothing more."""
        raw = self._cursor.rest(upto)
        return self._matching(raw) if raw else None

    def close(self) -> None:
        self._cursor.close()
        self._times.close()

    def __enter__(self) -> "Scan":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _matching(self, raw: RawLine) -> Line | None:
        text = raw.data.decode(errors="replace")
        if self._stream == "terminal":
            text = text.removesuffix("\r")  # the line discipline makes CR LF of every newline
        match = self._pattern.search(text) if self._pattern else None
        if self._pattern and not match:
            return None
        if self._lines_before is None:
            self._lines_before = self._count.before(self._start)
        return Line(
            text=text,
            at=self._times.at(raw.last),
            stream=self._stream,
            number=self._lines_before + raw.before + 1,
            offset=raw.offset,
            match=match,
        )


def before_the_end(path: Path, end: int, count: int) -> int:
    """The offset of the line that is `count` lines before the one at offset `end`, at least 0."""
    with closing(File(path)) as spool:
        while end and count:
            end, count = _beginning(spool.fd, end), count - 1
    return end


def _beginning(fd: int, end: int) -> int:
    """The offset where the line begins whose newline lies at `end` - 1."""
    before = end - 1
    while before > 0:
        size = min(4096, before)
        found = os.pread(fd, size, before - size).rfind(b"\n")
        if found >= 0:
            return before - size + found + 1
        before -= size
    return 0
