"""What one replica keeps on disk: its vote, and its map as a log of changes.

One JSON array a line: `["vote", term, voted_for]`, `["entry", term, index, {key: value or null}]`
and, where the log begins anew, `["state", term, index, {key: value}]`.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

_RECENT = 1024
_REWRITE_AFTER = 20_000


class Stamp(NamedTuple):
    """The place of an entry in history; two replicas with the same stamp have the same map."""

    term: int
    place: int


class Entry(NamedTuple):
    """One change: keys and their new values, None where a key goes."""

    stamp: Stamp
    changes: Mapping[str, str | None]


class Journal:
    """The map of one replica. Every method that changes it has written to `path` when it returns.

    Written, not synced: it survives the death of the process, not of the machine.
    """

    def __init__(self, path: Path) -> None:
        self.term = 0
        self.voted_for: int | None = None
        self.last = Stamp(0, 0)
        self.pairs: dict[str, str] = {}
        self.recent: list[Entry] = []
        self._path = path
        self._lines = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._load()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def vote(self, term: int, voted_for: int | None) -> None:
        """Enter `term`, having voted for `voted_for` or not yet for anybody."""
        self.term, self.voted_for = term, voted_for
        self._write([["vote", term, voted_for]])

    def append(self, entries: Iterable[Entry]) -> None:
        """Add `entries`, which follow the last one without a gap."""
        entries = list(entries)
        self._write([["entry", *entry.stamp, dict(entry.changes)] for entry in entries])
        for entry in entries:
            self._apply(entry)

    def replace(self, stamp: Stamp, pairs: Mapping[str, str]) -> None:
        """Take over the map of another replica, as it was at `stamp`."""
        self.last, self.pairs, self.recent = stamp, dict(pairs), []
        self._rewrite()

    def after(self, stamp: Stamp) -> list[Entry] | None:
        """Return the entries that follow `stamp`; None when that is not part of recent history."""
        if stamp == self.last:
            return []
        position = stamp.place - self.last.place + len(self.recent)
        if 0 < position < len(self.recent) and self.recent[position - 1].stamp == stamp:
            return self.recent[position:]
        return None

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _apply(self, entry: Entry) -> None:
        self.last = entry.stamp
        for key, value in entry.changes.items():
            if value is None:
                self.pairs.pop(key, None)
            else:
                self.pairs[key] = value
        self.recent.append(entry)
        if len(self.recent) >= 2 * _RECENT:
            del self.recent[:_RECENT]

    def _write(self, lines: list[list[object]]) -> None:
        if not lines:
            return
        self._lines += len(lines)
        if self._lines > _REWRITE_AFTER + 2 * len(self.pairs):
            self._rewrite()
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        while data:
            data = data[os.write(self._file, data) :]

    def _rewrite(self) -> None:
        beside = self._path.with_suffix(".new")
        lines = [["vote", self.term, self.voted_for], ["state", *self.last, self.pairs]]
        beside.write_text("".join(json.dumps(line) + "\n" for line in lines))
        beside.replace(self._path)
        os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        self._lines = len(self.pairs)

    def _load(self) -> None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        whole = 0
        for line in data.splitlines(keepends=True):
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("cut short")
                self._replay(json.loads(line))
            except ValueError:
                # Its writer was killed while writing; nobody was told that this line was kept.
                os.truncate(self._path, whole)
                break
            whole += len(line)
            self._lines += 1

    def _replay(self, line: list[object]) -> None:
        match line:
            case ["vote", int(term), int() | None as voted_for]:
                self.term, self.voted_for = term, voted_for
            case ["entry", int(term), int(index), dict(changes)]:
                self._apply(Entry(Stamp(term, index), changes))
            case ["state", int(term), int(index), dict(pairs)]:
                self.last, self.pairs, self.recent = Stamp(term, index), pairs, []
            case _:
                raise ValueError(f"not a line of a journal: {line!r}")
