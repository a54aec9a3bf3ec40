"""A spool keeps everything one stream printed, on disk, with the time of every line.

`NAME` holds the bytes as they came. `NAME.index` holds one record of 16 bytes for every piece that came at
once: the offset where the piece begins, and when it came in monotonic nanoseconds, as little-endian 64-bit
numbers. Until something came there is neither: most programs print on one of their streams only.
"""

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import anyio

RECORD = struct.Struct("<QQ")


class Mask(Protocol):
    """Hides secrets in one stream before they reach the disk; what it hides keeps its length."""

    def feed(self, data: bytes) -> bytes:
        """The data that may be written now; a tail that could be the beginning of a secret is held back."""

    def flush(self) -> bytes:
        """At the end of the stream: what was held back."""


class Bell:
    """Wakes whoever waits for news. News that comes between `listen` and waiting is not missed."""

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def listen(self) -> anyio.Event:
        """The event that is set at the next `ring`."""
        if self._event is None:
            self._event = anyio.Event()
        return self._event

    def ring(self) -> None:
        if self._event is not None:
            self._event.set()
            self._event = None


class Spool:
    """The writing end of one spool."""

    def __init__(
        self, path: Path, *, mask: Mask | None = None, on_write: Callable[[bool], None] | None = None
    ) -> None:
        """`on_write` is called after each write; its argument says whether a line ended."""
        self.path = path
        self.size = 0
        """Bytes written."""
        self.last_line = 0
        """Offset where the line begins that is being written."""
        self._mask = mask
        self._on_write = on_write
        self._files: tuple[int, int] | None = None

    def write(self, data: bytes) -> None:
        """Takes in what was printed just now. Raises FileExistsError if there is an old spool."""
        if self._mask is not None:
            data = self._mask.feed(data)
        self._append(data)

    def close(self) -> None:
        """Nothing more will come."""
        if self._mask is not None:
            self._append(self._mask.flush())
        for fd in self._files or ():
            os.close(fd)

    def _append(self, data: bytes) -> None:
        if not data:
            return
        record = RECORD.pack(self.size, time.monotonic_ns())
        if self._files is None:
            self._files = _create(self.path), _create(index_of(self.path))
        spool, index = self._files
        # The data first: a record never speaks of bytes that are not there.
        _write_all(spool, data)
        _write_all(index, record)
        # Lines are counted when somebody asks for a number: counting them here would take a third of all the
        # time.
        newline = data.rfind(b"\n")
        if newline >= 0:
            self.last_line = self.size + newline + 1
        self.size += len(data)
        if self._on_write is not None:
            self._on_write(newline >= 0)


def index_of(path: Path) -> Path:
    """The index that belongs to this spool."""
    return path.with_name(f"{path.name}.index")


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)


def _write_all(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, data[written:])
