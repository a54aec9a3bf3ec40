import sqlite3

import pytest

from support.evidence.records import Entry, copy_database, read_records
from support.evidence.redaction import Redactor

SCHEMA = """
CREATE TABLE tickets (id INTEGER PRIMARY KEY, violation_key TEXT, invariant_name TEXT, store_id TEXT,
  status TEXT DEFAULT 'open', held INTEGER DEFAULT 0, occurrence_count INTEGER DEFAULT 1, resolved_at TEXT,
  message TEXT, diagnosis TEXT);
CREATE TABLE agent_sessions (id INTEGER PRIMARY KEY, session_id TEXT, ticket_id INTEGER, status TEXT,
  started_at TEXT, ended_at TEXT, outcome_summary TEXT);
CREATE TABLE agent_log_entries (id INTEGER PRIMARY KEY, session_id TEXT, entry_type TEXT, content TEXT,
  tool_name TEXT, tool_params TEXT, exit_code INTEGER, timestamp TEXT);
"""


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "tickets.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
    connection.close()
    return path


def execute(database, statement):
    with sqlite3.connect(database) as connection:
        connection.execute(statement)
    connection.close()


def entry(**fields):
    given = {"id": 1, "session_id": "s", "entry_type": "tool_call", "content": "", "tool_name": "shell"}
    rest = {"tool_params": None, "exit_code": None, "timestamp": "2026-01-01T00:00:00+00:00"}
    return Entry(**{**given, **rest, **fields})


def test_a_database_that_is_not_there_yet_is_empty(tmp_path):
    assert read_records(tmp_path / "none.db").tickets == ()


def test_a_database_without_tables_is_empty(tmp_path):
    path = tmp_path / "empty.db"
    sqlite3.connect(path).close()
    assert read_records(path).sessions == ()


def test_a_file_that_is_no_database_is_an_error(tmp_path):
    path = tmp_path / "foreign.db"
    path.write_text("this is a letter, not a database, and it is long enough")
    with pytest.raises(sqlite3.DatabaseError):
        read_records(path)


def test_a_ticket_is_escalated_by_its_diagnosis_not_its_status_alone(database):
    for diagnosis in ("ESCALATED: no permission", "looks like a full disk"):
        execute(
            database,
            "INSERT INTO tickets (violation_key, invariant_name, status, message, diagnosis)"
            f" VALUES ('k', 'k', 'diagnosed', 'm', '{diagnosis}')",
        )
    assert [ticket.escalated for ticket in read_records(database).tickets] == [True, False]


def test_entries_belong_to_their_session_in_the_order_they_were_written(database):
    for session in ("a", "b"):
        execute(
            database,
            "INSERT INTO agent_sessions (session_id, ticket_id, status, started_at)"
            f" VALUES ('{session}', 1, 'running', 't')",
        )
    for session, content in (("a", "one"), ("b", "other"), ("a", "two")):
        execute(
            database,
            "INSERT INTO agent_log_entries (session_id, entry_type, content, timestamp)"
            f" VALUES ('{session}', 'reasoning', '{content}', 't')",
        )
    first, _ = read_records(database).sessions
    assert [each.content for each in first.entries] == ["one", "two"]


def test_reading_does_not_wait_for_somebody_who_writes(database):
    writer = sqlite3.connect(database)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO tickets (violation_key, invariant_name, message) VALUES ('k', 'k', 'm')")
    assert read_records(database).tickets == ()
    writer.commit()
    assert len(read_records(database).tickets) == 1
    writer.close()


def test_the_command_of_a_tool_call_is_found_under_any_usual_name():
    assert entry(tool_params='{"command": "ls"}').command == "ls"
    assert entry(tool_params='{"reasoning": "look", "cmd": "ls"}').command == "ls"
    assert entry(tool_params='{"path": "/"}').command is None
    assert entry(tool_params="not json").command is None
    assert entry(entry_type="tool_result", tool_params='{"command": "ls"}').command is None


def test_a_copy_holds_no_secret_not_even_in_rows_that_were_deleted(database, tmp_path):
    secret = "a-secret-that-is-long-enough-to-be-found"
    for number in range(20):
        execute(
            database,
            f"INSERT INTO tickets (violation_key, message) VALUES ('key:{number}', 'said {secret}')",
        )
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA secure_delete = OFF")  # as most builds of SQLite have it
        connection.execute("DELETE FROM tickets WHERE id > 1")
    connection.close()
    assert database.read_bytes().count(secret.encode()) > 1
    redactor = Redactor({"KEY": secret})
    copy_database(database, tmp_path / "copy.db", redactor=redactor)
    assert secret.encode() not in (tmp_path / "copy.db").read_bytes()
    assert redactor.found_since(0) == ("KEY in the records, tickets",)
    assert read_records(tmp_path / "copy.db").tickets[0].message == f"said {'*' * len(secret)}"
