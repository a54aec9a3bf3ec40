"""Taking tickets and letting them go."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from systems.operator.database import open_database
from systems.operator.holding import Roll
from systems.operator.work import Agent, Outcome, Taken, enlist

RESOLVED = Outcome("resolved", "resolved", "it was reset")
ESCALATED = Outcome("escalated", "escalated", "nothing helped")


class Office:
    """Some agents of one database, each as a process of its own would be one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = open_database(path)
        self.agents: list[Agent] = []

    def agent(self) -> Agent:
        agent = enlist(open_database(self.path), Roll(self.path))
        self.agents.append(agent)
        return agent

    def die(self, agent: Agent) -> None:
        self.agents.remove(agent)
        agent.roll.leave()
        agent.database.close()

    def file(self, key: str, first_seen_at: str = "2026-01-01T00:00:00+00:00", **columns: Any) -> int:
        row = {
            "violation_key": key,
            "invariant_name": key,
            "first_seen_at": first_seen_at,
            "last_seen_at": first_seen_at,
            "message": f"{key} is violated",
        } | columns
        number = self.database.execute(
            f"INSERT INTO tickets ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            list(row.values()),
        ).lastrowid
        assert number is not None
        return number

    def row(self, ticket_id: int) -> sqlite3.Row:
        row = self.database.execute("SELECT * FROM tickets WHERE id = ?", (ticket_id,)).fetchone()
        assert isinstance(row, sqlite3.Row)
        return row

    def sessions(self) -> list[tuple[str, str | None]]:
        return [
            (row["status"], row["outcome_summary"])
            for row in self.database.execute("SELECT * FROM agent_sessions ORDER BY id")
        ]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "operator.db")
    yield office
    for agent in list(office.agents):
        office.die(agent)
    office.database.close()


def taken_by(agent: Agent) -> Taken:
    taken = agent.take_next(model="a-model")
    assert taken is not None
    return taken


def test_a_taken_ticket_is_held_and_has_a_running_session(office: Office) -> None:
    ticket = office.file("over_limit")
    taken = taken_by(office.agent())
    row = office.row(ticket)
    assert (row["status"], row["held"], row["variant_model"]) == ("acknowledged", 1, "a-model")
    assert office.sessions() == [("running", None)]
    assert taken.message == "over_limit is violated"


def test_the_oldest_open_ticket_comes_first(office: Office) -> None:
    office.file("newest", "2026-01-03T00:00:00+00:00")
    office.file("oldest", "2026-01-01T12:00:00+02:00")
    office.file("middle", "2026-01-01T11:00:00Z")
    agent = office.agent()
    keys = []
    for _ in range(3):
        taken = taken_by(agent)
        agent.let_go(taken, RESOLVED)
        keys.append(taken.key)
    assert keys == ["oldest", "middle", "newest"]
    assert agent.take_next(model="a-model") is None


def test_of_two_agents_only_one_gets_a_ticket(office: Office) -> None:
    office.file("over_limit")
    first, second = office.agent(), office.agent()
    taken_by(first)
    assert second.take_next(model="a-model") is None


def test_the_ticket_of_a_dead_agent_is_taken_up_by_the_next(office: Office) -> None:
    ticket = office.file("over_limit")
    first, second = office.agent(), office.agent()
    taken_by(first)
    office.die(first)
    assert taken_by(second).ticket_id == ticket
    assert office.sessions() == [
        ("failed", "ABANDONED: the agent that worked the ticket died"),
        ("running", None),
    ]


def test_a_ticket_set_open_by_hand_while_an_agent_works_it_stays_with_that_agent(office: Office) -> None:
    ticket = office.file("over_limit")
    first, second = office.agent(), office.agent()
    taken_by(first)
    office.database.execute("UPDATE tickets SET status = 'open' WHERE id = ?", (ticket,))
    assert second.take_next(model="a-model") is None


def test_an_acknowledged_ticket_that_nobody_is_known_to_hold_is_taken_up(office: Office) -> None:
    ticket = office.file("over_limit", status="acknowledged", held=1)
    assert taken_by(office.agent()).ticket_id == ticket


@pytest.mark.parametrize("status", ["diagnosed", "resolved"])
def test_a_settled_ticket_is_not_taken(office: Office, status: str) -> None:
    office.file("over_limit", status=status)
    assert office.agent().take_next(model="a-model") is None


def test_resolving_records_the_summary_and_lets_go(office: Office) -> None:
    ticket = office.file("over_limit")
    agent = office.agent()
    agent.let_go(taken_by(agent), RESOLVED)
    row = office.row(ticket)
    assert (row["status"], row["held"], row["diagnosis"]) == ("resolved", 0, "it was reset")
    assert row["resolved_at"] is not None
    assert office.sessions() == [("resolved", "it was reset")]
    assert agent.others_holding() == office.agent().others_holding() == frozenset()


def test_escalating_says_so_in_the_diagnosis(office: Office) -> None:
    ticket = office.file("over_limit")
    agent = office.agent()
    agent.let_go(taken_by(agent), ESCALATED)
    row = office.row(ticket)
    assert (row["status"], row["held"]) == ("diagnosed", 0)
    assert row["diagnosis"] == "ESCALATED: nothing helped"
    assert row["resolved_at"] is None


def test_a_ticket_settled_by_hand_meanwhile_stays_as_it_was_left(office: Office) -> None:
    ticket = office.file("over_limit")
    agent = office.agent()
    taken = taken_by(agent)
    office.database.execute("UPDATE tickets SET status = 'resolved', diagnosis = 'by hand'")
    agent.let_go(taken, ESCALATED)
    row = office.row(ticket)
    assert (row["status"], row["diagnosis"], row["held"]) == ("resolved", "by hand", 0)
    assert office.sessions() == [("escalated", "nothing helped")]


def test_a_later_attempt_is_told_what_came_of_the_earlier_ones(office: Office) -> None:
    ticket = office.file("over_limit")
    agent = office.agent()
    agent.let_go(taken_by(agent), ESCALATED)
    office.database.execute("UPDATE tickets SET status = 'open' WHERE id = ?", (ticket,))
    assert taken_by(agent).earlier == ("nothing helped",)


@pytest.mark.parametrize("fail_at", ["close_abandoned", "open_session"])
def test_taking_happens_whole_or_not_at_all(
    office: Office, monkeypatch: pytest.MonkeyPatch, fail_at: str
) -> None:
    def fail(*_: object) -> Callable[..., object]:
        raise RuntimeError("in the middle of it")

    ticket = office.file("over_limit")
    agent = office.agent()
    monkeypatch.setattr(f"systems.operator.audit.{fail_at}", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        agent.take_next(model="a-model")
    assert (office.row(ticket)["status"], office.row(ticket)["held"]) == ("open", 0)
    assert office.sessions() == []
    monkeypatch.undo()
    assert taken_by(agent).ticket_id == ticket
