"""What the page shows of a scenario's evidence is read from its files, bounded, and never an obstacle."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from support.report.exhibits import exhibits
from support.report.model import ScenarioResult
from support.supervisor.spool import RECORD

_SECOND = 1_000_000_000
_BEGAN = 100 * _SECOND


@pytest.fixture
def failed(scenarios: list[ScenarioResult]) -> ScenarioResult:
    first, second, third = scenarios[1].steps
    steps = (replace(first, ended=1.0), replace(second, ended=2.0), third)
    return replace(scenarios[1], began=_BEGAN, steps=steps, evidence=())


def _spool(reports: Path, name: str, *lines: tuple[float, str]) -> str:
    data, index = b"", b""
    for at, text in lines:
        index += RECORD.pack(len(data), int(_BEGAN + at * _SECOND))
        data += text.encode() + b"\n"
    (reports / name).write_bytes(data)
    (reports / f"{name}.index").write_bytes(index)
    return name


def _timeline(reports: Path, *events: tuple[float, str, dict[str, object]]) -> str:
    lines = (
        json.dumps({"kind": kind, "at": int(_BEGAN + at * _SECOND), "wall": "", "detail": detail})
        for at, kind, detail in events
    )
    (reports / "timeline.ndjson").write_text("\n".join(lines))
    return "timeline.ndjson"


def test_output_is_in_the_order_of_time_over_all_streams(tmp_path, failed) -> None:
    streams = (
        _spool(tmp_path, "monitor.stdout", (0.5, "one"), (1.5, "three")),
        _spool(tmp_path, "agent.stderr", (1.0, "two"), (60.0, "long after")),
    )
    printed = exhibits(replace(failed, evidence=streams), tmp_path)["printed"]
    assert printed == {
        "at": 2.0,
        "lines": [
            [0.5, "monitor.stdout", "one"],
            [1.0, "agent.stderr", "two"],
            [1.5, "monitor.stdout", "three"],
        ],
    }


def test_of_a_flood_the_lines_next_to_the_failure_are_shown(tmp_path, failed) -> None:
    lines = [(1.0 + n / 1e6, f"line {n} {'x' * 50}") for n in range(20_000)]
    spool = _spool(tmp_path, "monitor.stdout", *lines)
    shown = exhibits(replace(failed, evidence=(spool,)), tmp_path)["printed"]["lines"]
    assert len(shown) == 150
    assert shown[-1][2].startswith("line 19999 ")


def test_a_scenario_that_passed_shows_no_output(tmp_path, failed) -> None:
    spool = _spool(tmp_path, "monitor.stdout", (1.0, "one"))
    assert exhibits(replace(failed, status="passed", evidence=(spool,)), tmp_path) == {}


def test_events_alike_are_one_event_with_a_number(tmp_path, failed) -> None:
    seen = {"line": "1 violation"}
    path = _timeline(
        tmp_path,
        (0.0, "stack.steady", {}),
        (0.5, "violation.reported", seen),
        (0.7, "violation.reported", seen),
        (0.6, "violation.reported", seen),
    )
    timeline = exhibits(replace(failed, evidence=(path,)), tmp_path)["timeline"]
    assert [(e["at"], e["kind"], e["times"]) for e in timeline] == [
        (0.0, "stack.steady", 1),
        (0.5, "violation.reported", 3),
    ]


def test_tickets_come_with_their_sessions_as_a_conversation(tmp_path, failed) -> None:
    with sqlite3.connect(tmp_path / "tickets.db") as database:
        database.executescript(
            """
            CREATE TABLE tickets (id, violation_key, invariant_name, store_id, status, held,
                occurrence_count, resolved_at, message, diagnosis);
            INSERT INTO tickets VALUES (1, 'over_limit:checkout', 'over_limit', 'checkout', 'diagnosed', 0,
                2, NULL, 'too many', 'ESCALATED: cannot');
            CREATE TABLE agent_sessions (id, session_id, ticket_id, status, started_at, ended_at,
                outcome_summary);
            INSERT INTO agent_sessions VALUES (1, 's1', 1, 'escalated', '', NULL, 'cannot');
            CREATE TABLE agent_log_entries (id, session_id, entry_type, content, tool_name, tool_params,
                exit_code, timestamp);
            INSERT INTO agent_log_entries VALUES (1, 's1', 'reasoning', 'I look.', NULL, NULL, NULL, '');
            INSERT INTO agent_log_entries VALUES (2, 's1', 'tool_call', '{}', 'shell', '{"command": "ls"}',
                NULL, '');
            INSERT INTO agent_log_entries VALUES (3, 's1', 'tool_result', 'nothing', NULL, NULL, 1, '');
            """
        )
    database.close()
    (ticket,) = exhibits(replace(failed, evidence=("tickets.db",)), tmp_path)["tickets"]
    assert (ticket["key"], ticket["status"], ticket["seen"]) == ("over_limit:checkout", "escalated", 2)
    (session,) = ticket["sessions"]
    assert [(e["type"], e["text"], e.get("exit")) for e in session["entries"]] == [
        ("reasoning", "I look.", None),
        ("tool_call", "ls", None),
        ("tool_result", "nothing", 1),
    ]


def test_screens_are_shown_as_they_were(tmp_path, failed) -> None:
    (tmp_path / "chapter-1.screen").write_text("┌─┐\n└─┘\n")
    (screen,) = exhibits(replace(failed, evidence=("chapter-1.screen",)), tmp_path)["screens"]
    assert screen == {"name": "chapter-1", "text": "┌─┐\n└─┘\n"}


def test_files_that_are_missing_or_broken_are_left_out(tmp_path, failed) -> None:
    (tmp_path / "tickets.db").write_text("no database, and it is longer than a header would be" * 9)
    (tmp_path / "timeline.ndjson").write_text('{"kind": "stack.st')
    (tmp_path / "a.stdout").write_text("a line without an index")
    files = ("tickets.db", "timeline.ndjson", "a.stdout", "b.stderr", "c.screen")
    assert exhibits(replace(failed, evidence=files), tmp_path) == {"screens": [{"name": "c", "text": ""}]}
