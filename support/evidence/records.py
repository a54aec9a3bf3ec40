"""The operator's records: tickets, audit sessions and entries, read from its database.

The tables are those of the operator contract. Reading never changes or locks the database; a database or
table that is not there yet reads as empty.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.evidence.redaction import Redactor

ESCALATED = "ESCALATED: "


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """The record of a violation."""

    id: int
    violation_key: str
    invariant_name: str
    store_id: str | None
    status: str
    held: bool
    occurrence_count: int
    resolved_at: str | None
    message: str
    diagnosis: str | None

    @property
    def resolved_wall(self) -> float | None:
        """When it was resolved, in seconds since the epoch; a time without a zone is local."""
        return _seconds(self.resolved_at) if self.resolved_at else None

    @property
    def escalated(self) -> bool:
        return self.status == "diagnosed" and (self.diagnosis or "").startswith(ESCALATED)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of an audit session: reasoning, tool_call or tool_result."""

    id: int
    session_id: str
    entry_type: str
    content: str
    tool_name: str | None
    tool_params: str | None
    exit_code: int | None
    timestamp: str

    @property
    def wall(self) -> float:
        """When it was written, in seconds since the epoch; a time without a zone is local."""
        return _seconds(self.timestamp)

    @property
    def command(self) -> str | None:
        """The shell command of a tool call, whatever its parameter is called."""
        if self.entry_type != "tool_call" or not self.tool_params:
            return None
        try:
            parameters = json.loads(self.tool_params)
        except ValueError:
            return None
        if not isinstance(parameters, dict):
            return None
        for name in ("command", "cmd", "script", "input"):
            if isinstance(parameters.get(name), str):
                return str(parameters[name])
        return None


@dataclass(frozen=True, kw_only=True)
class Session:
    """One run of the agent on one ticket, with its entries in the order they were written."""

    session_id: str
    ticket_id: int | None
    status: str
    started_at: str
    ended_at: str | None
    outcome_summary: str | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Records:
    """All that the operator has recorded at one moment."""

    tickets: tuple[Ticket, ...] = ()
    sessions: tuple[Session, ...] = ()


def read_records(database: Path) -> Records:
    """Read the operator's database as one consistent snapshot.

    Raises sqlite3.DatabaseError when the file is not a database.
    """
    if not database.exists():
        return Records()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        tables = {
            row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        entries = _rows(connection, tables, "agent_log_entries", Entry)
        return Records(
            tickets=tuple(Ticket(**row) for row in _rows(connection, tables, "tickets", Ticket)),
            sessions=tuple(
                Session(
                    **row,
                    entries=tuple(
                        Entry(**entry) for entry in entries if entry["session_id"] == row["session_id"]
                    ),
                )
                for row in _rows(connection, tables, "agent_sessions", Session)
            ),
        )


def copy_database(database: Path, target: Path, *, redactor: Redactor) -> None:
    """Copy the database as it is now to `target`, in one piece even while it is written to.

    Secrets in its texts are masked before anything of it is on the disk. Raises sqlite3.DatabaseError when
    the file is not a database.
    """
    with (
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as source,
        closing(sqlite3.connect(":memory:", isolation_level=None)) as copy,
        closing(sqlite3.connect(target)) as kept,
    ):
        source.backup(copy)
        copy.create_function("masked", 2, redactor.text)
        for table, column in copy.execute(
            "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c"
            " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        ).fetchall():
            copy.execute(
                f'UPDATE "{table}" SET "{column}" = masked("{column}", ?)'
                f" WHERE typeof(\"{column}\") = 'text'",
                (f"the records, {table}",),
            )
        copy.execute("VACUUM")  # what was there before is still in the pages
        copy.backup(kept)


def dump(database: Path) -> str:
    """All that the database holds, as SQL. Raises sqlite3.DatabaseError."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        return "\n".join(connection.iterdump())


def place_ticket(database: Path, invariant: str, identifier: str, message: str) -> int:
    """Insert an open ticket with the columns that may not be null; the new ticket's id."""
    now = datetime.now(UTC).isoformat()
    with closing(sqlite3.connect(database, timeout=5)) as connection, connection:
        placed = connection.execute(
            "INSERT INTO tickets (violation_key, invariant_name, store_id, first_seen_at,"
            " last_seen_at, message) VALUES (?, ?, ?, ?, ?, ?)",
            (f"{invariant}:{identifier}", invariant, identifier, now, now, message),
        ).lastrowid
    assert placed is not None
    return placed


def _rows(
    connection: sqlite3.Connection, tables: set[str], table: str, record: type
) -> list[Mapping[str, Any]]:
    if table not in tables:
        return []
    columns = [name for name in record.__dataclass_fields__ if name != "entries"]  # type: ignore[attr-defined]
    query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY id"  # names are our own fields
    return [dict(row) for row in connection.execute(query)]


def _seconds(stamp: str) -> float:
    moment = datetime.fromisoformat(stamp)
    return (moment if moment.tzinfo else moment.astimezone()).timestamp()
