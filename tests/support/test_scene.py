"""The files that an operator may find in place of its database, and the tickets that the suite files."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from support.evidence.records import read_records
from support.scene import STATES, file_ticket, locked, prepare, tables_of
from support.verdict import BrokenBed

OF_SOMETHING_ELSE = {"is that of another program", "is that of another program that sells tickets"}
TICKETS = (
    "CREATE TABLE tickets (id INTEGER PRIMARY KEY, violation_key TEXT NOT NULL, invariant_name TEXT NOT NULL,"
    " store_id TEXT, status TEXT NOT NULL DEFAULT 'open', held INTEGER NOT NULL DEFAULT 0, occurrence_count"
    " INTEGER NOT NULL DEFAULT 1, first_seen_at TEXT NOT NULL, last_seen_at TEXT NOT NULL, resolved_at TEXT,"
    " message TEXT NOT NULL, diagnosis TEXT)"
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(TICKETS)
    return path


def test_a_ticket_is_filed_open_with_a_violation_of_its_own(database: Path) -> None:
    before = time.monotonic_ns()
    filed = file_ticket(database, "over_limit", "checkout")
    (ticket,) = read_records(database).tickets
    assert (ticket.id, ticket.violation_key, ticket.status) == (filed.id, "over_limit:checkout", "open")
    assert before <= filed.at <= time.monotonic_ns()


def test_where_there_is_no_table_no_ticket_can_be_filed(tmp_path: Path) -> None:
    with pytest.raises(BrokenBed, match="no such table: tickets"):
        file_ticket(tmp_path / "tickets.db", "over_limit", "checkout")


def test_while_it_is_locked_nobody_writes(database: Path) -> None:
    lock = locked(database)
    with closing(sqlite3.connect(database, timeout=0)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        lock.close()
        other.execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize("state", sorted(set(STATES) - {"does not exist", "is empty"}))
def test_what_is_no_use_to_an_operator_is_readable_only_as_somebody_elses(state: str, tmp_path: Path) -> None:
    path = tmp_path / "tickets.db"
    prepare(path, state)
    with closing(sqlite3.connect(path)) as connection:
        if state in OF_SOMETHING_ELSE:
            assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            assert "agent_sessions" not in tables_of(path)
            return
        try:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            verdict = str(error)
    assert verdict != "ok"


def test_an_empty_and_a_missing_database_have_no_tables(tmp_path: Path) -> None:
    for state in ("does not exist", "is empty"):
        prepare(tmp_path / "tickets.db", state)
        assert tables_of(tmp_path / "tickets.db") == set()


def test_words_that_nobody_knows_break_the_bed(tmp_path: Path) -> None:
    with pytest.raises(BrokenBed, match="known are does not exist"):
        prepare(tmp_path / "tickets.db", "is haunted")
