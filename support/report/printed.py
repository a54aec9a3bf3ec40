"""What processes printed around a moment, read from their spools: the lines of all streams in the order of
their times."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from support.supervisor.spool import RECORD, index_of

__all__ = ["printed_around"]

_BEFORE = 30.0
_AFTER = 2.0
_LINES = 150
_WIDTH = 400
_READ = 256 * 1024


def printed_around(moment: float, began: int, spools: Sequence[Path]) -> list[list[Any]]:
    """Lines as `[seconds, stream, text]`, from `_BEFORE` seconds before the moment to `_AFTER` after it.

    `moment` and the seconds count from `began`, in monotonic nanoseconds. Of each stream the latest lines
    are taken; a spool that cannot be read has none.
    """
    lines: list[list[Any]] = []
    for spool in spools:
        near = [
            [round(at, 3), spool.name, text[:_WIDTH]]
            for at, text in _lines(spool, began)
            if moment - _BEFORE <= at <= moment + _AFTER
        ]
        lines += near[-_LINES:]
    return sorted(lines, key=lambda line: float(line[0]))


def _lines(spool: Path, began: int) -> Iterator[tuple[float, str]]:
    """The last lines of a spool, each with the time at which its first piece came."""
    try:
        index = list(RECORD.iter_unpack(_whole_records(index_of(spool).read_bytes())))
        with spool.open("rb") as file:
            skipped = max(0, spool.stat().st_size - _READ)
            file.seek(skipped)
            data = file.read(_READ)
    except OSError:
        return
    piece = 0
    offset = skipped
    for number, line in enumerate(data.splitlines(keepends=True)):
        while piece + 1 < len(index) and index[piece + 1][0] <= offset:
            piece += 1
        if index and not (skipped and number == 0):  # that one may have been cut
            text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
            yield (index[piece][1] - began) / 1e9, text
        offset += len(line)


def _whole_records(data: bytes) -> bytes:
    return data[: len(data) // RECORD.size * RECORD.size]
