"""The operator's SQLite database: created by whichever process comes first, shared by all.

The tables `tickets`, `agent_sessions` and `agent_log_entries` are the operator contract's. The
operator's own tables are `operator_agents` (every agent process that ever opened the database),
`ticket_holders` (which of them works which ticket) and `ticket_offers` (how long an escalated
ticket's violation has persisted).
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS tickets (
        id INTEGER PRIMARY KEY,
        violation_key TEXT NOT NULL,
        invariant_name TEXT NOT NULL,
        store_id TEXT,
        status TEXT NOT NULL DEFAULT 'open'
            CHECK (status IN ('open', 'acknowledged', 'diagnosed', 'resolved')),
        held INTEGER NOT NULL DEFAULT 0,
        batch_key TEXT,
        occurrence_count INTEGER NOT NULL DEFAULT 1,
        first_seen_at TEXT NOT NULL,
        last_seen_at TEXT NOT NULL,
        resolved_at TEXT,
        message TEXT NOT NULL,
        severity TEXT NOT NULL DEFAULT 'warning' CHECK (severity IN ('warning', 'critical')),
        diagnosis TEXT,
        metric_snapshot TEXT,
        subject_context TEXT,
        variant_model TEXT,
        variant_system_prompt TEXT,
        variant_tools_config TEXT,
        created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')),
        updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now'))
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS agent_sessions (
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL UNIQUE,
        ticket_id INTEGER NOT NULL REFERENCES tickets (id),
        status TEXT NOT NULL DEFAULT 'running'
            CHECK (status IN ('running', 'resolved', 'escalated', 'failed')),
        started_at TEXT NOT NULL,
        ended_at TEXT,
        outcome_summary TEXT
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS agent_log_entries (
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES agent_sessions (session_id),
        entry_type TEXT NOT NULL
            CHECK (entry_type IN ('reasoning', 'tool_call', 'tool_result')),
        content TEXT NOT NULL,
        raw_content TEXT,
        tool_name TEXT,
        tool_params TEXT,
        exit_code INTEGER,
        timestamp TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS tickets_by_key ON tickets (violation_key, status)",
    "CREATE INDEX IF NOT EXISTS tickets_by_status ON tickets (status)",
    "CREATE INDEX IF NOT EXISTS sessions_by_ticket ON agent_sessions (ticket_id)",
    "CREATE INDEX IF NOT EXISTS entries_by_session ON agent_log_entries (session_id)",
    """
    CREATE TABLE IF NOT EXISTS operator_agents (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS ticket_holders (
        ticket_id INTEGER PRIMARY KEY REFERENCES tickets (id),
        agent_id INTEGER NOT NULL REFERENCES operator_agents (id),
        session_id TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS ticket_offers (
        ticket_id INTEGER PRIMARY KEY REFERENCES tickets (id),
        attempts INTEGER NOT NULL,
        violated_checks INTEGER NOT NULL
    )
    """,
)

_SQLITE_HEADER = b"SQLite format 3\x00"
_BUSY_SECONDS = 5.0
# How long to keep trying when others are at the file, by SQLite's primary result code, in seconds.
# A file that cannot be opened is mostly one that never will be.
_PATIENCE = {
    sqlite3.SQLITE_BUSY: 15.0,
    sqlite3.SQLITE_LOCKED: 15.0,
    sqlite3.SQLITE_PROTOCOL: 15.0,
    sqlite3.SQLITE_CANTOPEN: 0.5,
}


class UnusableDatabaseError(Exception):
    """The file at the given path cannot serve as the operator's database; the text says why."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database at `path`, creating it, its tables and its directory as needed.

    Safe when several processes do so at the same instant. The connection is in autocommit mode;
    changes go through `transaction`. Raises `UnusableDatabaseError`, with the file as it was, when
    the file is damaged or is the database of something else.
    """
    begun = time.monotonic()
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _refuse_unusable(path)
            return _open(path)
        except sqlite3.DatabaseError as error:
            # Two processes that create, recover or switch the same file to WAL at one instant can
            # meet in ways that SQLite's own busy time-out does not cover (its documentation of
            # SQLITE_PROTOCOL and SQLITE_BUSY_RECOVERY).
            if time.monotonic() - begun >= _PATIENCE.get(_code(error), 0.0):
                raise UnusableDatabaseError(f"{path}: {error}") from error
            time.sleep(0.005)
        except OSError as error:
            raise UnusableDatabaseError(f"{path}: {error.strerror or error}") from error


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Make everything done inside one change: all of it on disk at the end, or none of it.

    Takes the write lock at once, so that what was read inside is still so when it is written.
    """
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def is_contention(error: sqlite3.Error) -> bool:
    """Whether somebody else held the database for longer than we waited for it."""
    return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)
    try:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        # What the agent is about to do is on disk before it does it, also when the power goes.
        database.execute("PRAGMA synchronous = FULL")
        with transaction(database):
            _refuse_foreign(database, path)
            for statement in _TABLES:
                database.execute(statement)
    except BaseException:
        database.close()
        raise
    return database


def _refuse_unusable(path: Path) -> None:
    """Look without touching, before anything is opened for writing."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        header = file.read(len(_SQLITE_HEADER))
    if header != _SQLITE_HEADER:
        raise UnusableDatabaseError(
            f"{path} is not a SQLite database (it begins with {header!r}); "
            "name another path, or move the file away"
        )
    # A connection that may write cannot help writing when it closes (it checkpoints the log).
    looking = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    try:
        _refuse_foreign(looking, path)
        (verdict,) = looking.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise UnusableDatabaseError(f"{path} is damaged: {verdict}; restore it from a copy")
    except sqlite3.DatabaseError as error:
        if _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise UnusableDatabaseError(f"{path} is damaged: {error}; restore it from a copy") from error
        raise
    finally:
        looking.close()


def _refuse_foreign(database: sqlite3.Connection, path: Path) -> None:
    tables = _all_tables(database)
    if not tables:
        return
    if "tickets" not in tables:
        raise UnusableDatabaseError(
            f"{path} is the database of something else (it holds {', '.join(sorted(tables))}, "
            "and no tickets); name another path"
        )
    with contextlib.closing(sqlite3.connect(":memory:")) as model:
        for statement in _TABLES:
            model.execute(statement)
        missing_by_table = {
            table: [name for name in _columns(model, table) if name not in _columns(database, table)]
            for table in sorted(tables & _all_tables(model))
        }
    for table, missing in missing_by_table.items():
        if missing:
            raise UnusableDatabaseError(
                f"{path} is the database of something else (its table {table} has no column "
                f"{', '.join(missing)}); name another path"
            )


def _all_tables(database: sqlite3.Connection) -> set[str]:
    rows = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {str(name) for (name,) in rows if not str(name).startswith("sqlite_")}


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [str(row[1]) for row in database.execute(f"PRAGMA table_info({table})")]


def _code(error: sqlite3.Error) -> int:
    """The primary result code; the extended one keeps its detail in the higher bits."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
