"""What the suite puts into an operator's database to set a scene: a ticket, or a file that is no use to it.

The tables are those of the operator contract.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from support.verdict import BrokenBed

_ROWS = 400
_LONG_AGO = "2026-01-01T00:00:00+00:00"
_HEADER = 100
_PAGE = 4096


@dataclass(frozen=True, kw_only=True)
class FiledByHand:
    """A ticket that the suite has filed: its number, and when it was there, in monotonic nanoseconds."""

    id: int
    at: int


def file_ticket(database: Path, invariant: str, identifier: str) -> FiledByHand:
    """File an open ticket in a database that an operator has made, as a monitor would.

    Raises BrokenBed when the ticket cannot be filed.
    """
    now = datetime.now(UTC).isoformat()
    try:
        with closing(sqlite3.connect(database, timeout=5)) as connection, connection:
            number = connection.execute(
                "INSERT INTO tickets (violation_key, invariant_name, store_id, first_seen_at, last_seen_at,"
                " message) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    f"{invariant}:{identifier}",
                    invariant,
                    identifier,
                    now,
                    now,
                    f'{invariant}: counter "{identifier}" is over its limit',
                ),
            ).lastrowid
    except sqlite3.Error as error:
        raise BrokenBed(f"no ticket can be filed in {database}: {error}") from error
    assert number is not None
    return FiledByHand(id=number, at=time.monotonic_ns())


def tables_of(database: Path) -> set[str]:
    """The names of the tables in a database; none when there is no database yet."""
    if not database.exists():
        return set()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def locked(database: Path) -> sqlite3.Connection:
    """Keep everybody else from writing to the database until the connection is closed."""
    connection = sqlite3.connect(database, timeout=5, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def _missing(path: Path) -> None:
    path.unlink(missing_ok=True)


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("Minutes of the meeting of 3 May. Present: all.\n" * 200, encoding="utf-8")


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT, text TEXT)")
        connection.execute("INSERT INTO recipes VALUES ('soup', 'Boil water.')")


def _namesake(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE tickets (film TEXT, seat INTEGER)")
        connection.execute("INSERT INTO tickets VALUES ('Metropolis', 12)")


def _damaged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE tickets (id INTEGER PRIMARY KEY, violation_key TEXT NOT NULL, invariant_name TEXT"
            " NOT NULL, store_id TEXT, status TEXT NOT NULL DEFAULT 'open', held INTEGER NOT NULL DEFAULT 0,"
            " batch_key TEXT, occurrence_count INTEGER NOT NULL DEFAULT 1, first_seen_at TEXT NOT NULL,"
            " last_seen_at TEXT NOT NULL, resolved_at TEXT, message TEXT NOT NULL, severity TEXT NOT NULL"
            " DEFAULT 'warning', diagnosis TEXT, metric_snapshot TEXT, subject_context TEXT, variant_model"
            " TEXT, variant_system_prompt TEXT, variant_tools_config TEXT, created_at TEXT, updated_at TEXT)"
        )
        connection.executemany(
            "INSERT INTO tickets (violation_key, invariant_name, status, first_seen_at, last_seen_at,"
            " message) VALUES (?, 'over_limit', 'resolved', ?, ?, ?)",
            [(f"over_limit:{number}", _LONG_AGO, _LONG_AGO, "x" * 100) for number in range(_ROWS)],
        )
    content = bytearray(path.read_bytes())
    content[2 * _PAGE : -_PAGE] = b"\xa5" * (len(content) - 3 * _PAGE)
    path.write_bytes(content)


def _cut_off(path: Path) -> None:
    _damaged(path)
    path.write_bytes(path.read_bytes()[: _HEADER + _PAGE // 2])


STATES: Mapping[str, Callable[[Path], None]] = {
    "does not exist": _missing,
    "is empty": _empty,
    "is a text": _text,
    "is that of another program": _foreign,
    "is that of another program that sells tickets": _namesake,
    "is damaged in the middle": _damaged,
    "is cut off": _cut_off,
}
"""What a file may be before the operator is started, by the words that follow "a database that"."""


def prepare(database: Path, state: str) -> None:
    """Make the file what the words say. Raises BrokenBed for other words than those of `STATES`."""
    try:
        make = STATES[state]
    except KeyError:
        raise BrokenBed(f"no database that {state!r} can be made; known are {', '.join(STATES)}") from None
    make(database)
