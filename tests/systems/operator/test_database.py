"""The database: created by whoever comes first, refused when it is not the operator's."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from systems.operator.database import UnusableDatabaseError, open_database, transaction

NOT_NULL = {
    "violation_key",
    "invariant_name",
    "status",
    "held",
    "occurrence_count",
    "first_seen_at",
    "last_seen_at",
    "message",
    "severity",
}
# Many rounds of eight processes that open the same new database when the same pipe is closed.
RACE = """
import os, sys
from pathlib import Path
from systems.operator.database import open_database
for number in range(60):
    path = Path(sys.argv[1]) / f"{number}.db"
    wait, go = os.pipe()
    racers = []
    for _ in range(8):
        racer = os.fork()
        if racer == 0:
            os.close(go)
            os.read(wait, 1)
            status = 1
            try:
                open_database(path).execute("SELECT * FROM tickets")
                status = 0
            finally:
                os._exit(status)
        racers.append(racer)
    os.close(wait)
    os.close(go)
    print(*[os.waitstatus_to_exitcode(os.waitpid(racer, 0)[1]) for racer in racers])
"""


def test_the_tables_are_the_contracts(tmp_path: Path) -> None:
    database = open_database(tmp_path / "operator.db")
    columns = {
        table: [row["name"] for row in database.execute(f"PRAGMA table_info({table})")]
        for table in ("tickets", "agent_sessions", "agent_log_entries")
    }
    assert columns == {
        "tickets": [
            "id",
            "violation_key",
            "invariant_name",
            "store_id",
            "status",
            "held",
            "batch_key",
            "occurrence_count",
            "first_seen_at",
            "last_seen_at",
            "resolved_at",
            "message",
            "severity",
            "diagnosis",
            "metric_snapshot",
            "subject_context",
            "variant_model",
            "variant_system_prompt",
            "variant_tools_config",
            "created_at",
            "updated_at",
        ],
        "agent_sessions": [
            "id",
            "session_id",
            "ticket_id",
            "status",
            "started_at",
            "ended_at",
            "outcome_summary",
        ],
        "agent_log_entries": [
            "id",
            "session_id",
            "entry_type",
            "content",
            "raw_content",
            "tool_name",
            "tool_params",
            "exit_code",
            "timestamp",
        ],
    }
    required = {row["name"] for row in database.execute("PRAGMA table_info(tickets)") if row["notnull"]}
    assert required == NOT_NULL


def test_a_ticket_needs_only_the_columns_that_have_no_default(tmp_path: Path) -> None:
    database = open_database(tmp_path / "operator.db")
    database.execute(
        "INSERT INTO tickets (violation_key, invariant_name, first_seen_at, last_seen_at, message)"
        " VALUES ('k', 'i', 't', 't', 'm')"
    )
    row = database.execute("SELECT * FROM tickets").fetchone()
    assert (row["status"], row["held"], row["occurrence_count"]) == ("open", 0, 1)
    assert row["severity"] == "warning"


@pytest.mark.parametrize("prepare", ["missing", "empty", "missing directory"])
def test_it_is_created_where_there_is_none(tmp_path: Path, prepare: str) -> None:
    path = tmp_path / ("a/b/operator.db" if prepare == "missing directory" else "operator.db")
    if prepare == "empty":
        path.touch()
    with open_database(path) as database:
        assert database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert database.execute("SELECT count(*) FROM tickets").fetchone()[0] == 0


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    with open_database(path) as database:
        database.execute("INSERT INTO operator_agents (started_at) VALUES ('now')")
    assert open_database(path).execute("SELECT count(*) FROM operator_agents").fetchone()[0] == 1


def test_a_database_with_the_contracts_tables_only_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    database = open_database(path)
    for table in ("operator_agents", "ticket_holders", "ticket_offers", "agent_sessions"):
        database.execute(f"DROP TABLE {table}")
    database.close()
    assert open_database(path).execute("SELECT count(*) FROM agent_sessions").fetchone()[0] == 0


def test_many_processes_may_create_it_at_the_same_instant(tmp_path: Path) -> None:
    race = subprocess.run(
        [sys.executable, "-c", RACE, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert race.stderr == ""
    assert race.stdout.splitlines() == ["0 0 0 0 0 0 0 0"] * 60


def refused(path: Path) -> str:
    """What is said about an unusable file, which must stay as it is."""
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    with pytest.raises(UnusableDatabaseError) as caught:
        open_database(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all, " * 400)
    assert "is not a SQLite database" in refused(path)


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_the_database_of_something_else_is_refused(tmp_path: Path, journal_mode: str) -> None:
    path = tmp_path / "customers.db"
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA journal_mode = {journal_mode}")
    database.execute("CREATE TABLE customers (name)")
    database.close()
    assert "it holds customers, and no tickets" in refused(path)


def test_somebody_elses_tickets_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cinema.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE tickets (id, row, seat)")
    database.close()
    assert "table tickets has no column violation_key" in refused(path)


def test_a_truncated_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    open_database(path).close()
    os.truncate(path, path.stat().st_size // 2)
    assert "damaged" in refused(path)


def test_a_database_with_a_damaged_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    open_database(path).close()
    damaged = bytearray(path.read_bytes())
    damaged[4096 : 4096 + 512] = b"\xff" * 512
    path.write_bytes(damaged)
    assert "damaged" in refused(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableDatabaseError, match="Is a directory"):
        open_database(tmp_path)


def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableDatabaseError, match=r"Not a directory|File exists"):
        open_database(tmp_path / "file" / "operator.db")


def test_a_change_happens_whole_or_not_at_all(tmp_path: Path) -> None:
    database = open_database(tmp_path / "operator.db")

    def change() -> None:
        with transaction(database):
            database.execute("INSERT INTO operator_agents (started_at) VALUES ('now')")
            raise RuntimeError("in the middle of it")

    with pytest.raises(RuntimeError, match="in the middle"):
        change()
    assert database.execute("SELECT count(*) FROM operator_agents").fetchone()[0] == 0


def test_what_a_change_has_read_stays_so_until_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    database = open_database(path)
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as other, transaction(database):
        database.execute("SELECT count(*) FROM tickets").fetchone()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("INSERT INTO operator_agents (started_at) VALUES ('now')")
