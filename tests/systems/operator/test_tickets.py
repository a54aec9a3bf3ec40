"""What becomes of tickets over checks, case by case and over sequences of anything."""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systems.operator import clock
from systems.operator.database import open_database
from systems.operator.holding import Roll
from systems.operator.invariants import Finding, Violation
from systems.operator.tickets import (
    MOST_ATTEMPTS,
    OFFER_AFTER_CHECKS,
    CheckRecord,
    checks_before_offer,
    record_check,
)
from systems.operator.work import Agent, Outcome, enlist

RESOLVED = Outcome("resolved", "resolved", "it was reset")
ESCALATED = Outcome("escalated", "escalated", "nothing helped")
FAILED = Outcome("escalated", "failed", "the API answered 529")


class Scene:
    """A database, and an agent that does what it is told."""

    def __init__(self, directory: Path) -> None:
        path = directory / "operator.db"
        self.database = open_database(path)
        self.roll = Roll(path)
        self.agent: Agent = enlist(self.database, self.roll)

    def check(
        self,
        *violated: str,
        unobserved: bool = False,
        undecided: str | None = None,
        began: datetime | None = None,
    ) -> CheckRecord:
        """A check of the invariant over_limit that saw the named keys violated."""
        finding = Finding(
            "over_limit",
            tuple(Violation("over_limit", key, f"{key} is over its limit") for key in violated),
            {undecided: "not certain"} if undecided else {},
            "Redis does not answer" if unobserved else None,
        )
        began = began or clock.now()
        return record_check(self.database, [finding], began=began, subject_context="facts")

    def attempt(self, outcome: Outcome) -> int:
        taken = self.agent.take_next(model="model")
        assert taken is not None
        self.agent.let_go(taken, outcome)
        return taken.ticket_id

    def rows(self) -> list[sqlite3.Row]:
        return self.database.execute("SELECT * FROM tickets ORDER BY id").fetchall()

    def statuses(self) -> list[str]:
        return [row["status"] for row in self.rows()]

    def close(self) -> None:
        self.roll.leave()
        self.database.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.close()


def test_a_violation_files_one_ticket_with_all_that_is_known(scene: Scene) -> None:
    record = scene.check("checkout")
    assert [(ticket.ticket_id, ticket.key) for ticket in record.created] == [(1, "over_limit:checkout")]
    (row,) = scene.rows()
    assert (row["status"], row["held"], row["occurrence_count"]) == ("open", 0, 1)
    assert (row["invariant_name"], row["store_id"]) == ("over_limit", "checkout")
    assert (row["message"], row["subject_context"]) == ("checkout is over its limit", "facts")
    assert row["first_seen_at"] == row["last_seen_at"] == row["created_at"]


def test_later_sightings_are_counted_on_the_same_ticket(scene: Scene) -> None:
    for _ in range(3):
        scene.check("checkout")
    (row,) = scene.rows()
    assert row["occurrence_count"] == 3
    assert row["last_seen_at"] > row["first_seen_at"]


def test_sightings_are_counted_while_an_agent_works_the_ticket(scene: Scene) -> None:
    scene.check("checkout")
    scene.agent.take_next(model="model")
    scene.check("checkout")
    assert [(row["status"], row["occurrence_count"]) for row in scene.rows()] == [("acknowledged", 2)]


def test_a_cleared_violation_resolves_its_ticket(scene: Scene) -> None:
    scene.check("checkout", "login")
    record = scene.check("login")
    assert [ticket.key for ticket in record.resolved] == ["over_limit:checkout"]
    assert scene.statuses() == ["resolved", "open"]
    assert scene.rows()[0]["resolved_at"] is not None


def test_a_held_ticket_is_left_to_its_holder(scene: Scene) -> None:
    scene.check("checkout")
    scene.agent.take_next(model="model")
    assert scene.check().resolved == ()
    assert scene.statuses() == ["acknowledged"]


def test_what_was_not_observed_resolves_nothing(scene: Scene) -> None:
    scene.check("checkout")
    scene.check(unobserved=True)
    scene.check(undecided="checkout")
    assert scene.statuses() == ["open"]


def test_an_invariant_that_is_not_looked_at_keeps_its_tickets(scene: Scene) -> None:
    scene.check("checkout")
    record_check(scene.database, [Finding("node_down")], began=clock.now(), subject_context="")
    assert scene.statuses() == ["open"]


def test_an_escalated_ticket_is_resolved_when_its_violation_clears(scene: Scene) -> None:
    scene.check("checkout")
    scene.attempt(ESCALATED)
    scene.check()
    assert scene.statuses() == ["resolved"]


def test_a_violation_that_persists_after_its_ticket_was_resolved_is_open_within_two_checks(
    scene: Scene,
) -> None:
    scene.check("checkout")
    scene.attempt(RESOLVED)
    scene.check("checkout")
    assert scene.statuses() == ["resolved", "open"]


def test_a_check_that_began_before_the_ticket_was_resolved_files_no_other(scene: Scene) -> None:
    scene.check("checkout")
    began = clock.now()
    scene.attempt(RESOLVED)
    assert scene.check("checkout", began=began).created == ()
    assert scene.statuses() == ["resolved"]


def test_a_check_that_began_before_a_violation_was_seen_does_not_clear_it(scene: Scene) -> None:
    began = clock.now() - timedelta(milliseconds=1)
    scene.check("checkout")
    assert scene.check(began=began).resolved == ()


def test_a_ticket_filed_by_other_hands_is_recognised_by_its_key(scene: Scene) -> None:
    scene.database.execute(
        "INSERT INTO tickets (violation_key, invariant_name, store_id, first_seen_at,"
        " last_seen_at, message) VALUES ('over_limit:checkout', 'over_limit', 'checkout',"
        " 'some time', 'some time', 'by hand')"
    )
    assert scene.check("checkout").created == ()
    assert [(row["status"], row["occurrence_count"]) for row in scene.rows()] == [("open", 2)]


def test_a_check_of_a_healthy_cluster_writes_nothing(scene: Scene) -> None:
    before = scene.database.total_changes
    scene.check()
    assert scene.database.total_changes == before


def checks_until_offered(scene: Scene) -> int:
    for number in range(1, 200):
        if scene.check("checkout").offered:
            assert scene.statuses() == ["open"]
            return number
    return 0


def test_an_escalated_ticket_whose_violation_persists_is_offered_again_with_growing_pauses(
    scene: Scene,
) -> None:
    scene.check("checkout")
    for pause in (OFFER_AFTER_CHECKS, 2 * OFFER_AFTER_CHECKS):
        scene.attempt(ESCALATED)
        assert checks_until_offered(scene) == pause
    scene.attempt(ESCALATED)
    assert checks_until_offered(scene) == 0
    assert scene.statuses() == ["diagnosed"]


def test_a_session_that_failed_was_an_attempt_too(scene: Scene) -> None:
    scene.check("checkout")
    for _ in range(MOST_ATTEMPTS - 1):
        scene.attempt(FAILED)
        assert checks_until_offered(scene)
    scene.attempt(FAILED)
    assert checks_until_offered(scene) == 0


def test_attempts_are_judged_by_sessions_whatever_the_ticket_says(scene: Scene) -> None:
    """Somebody sets an escalated ticket open by hand: that gives it no attempt for free."""
    scene.check("checkout")
    for _ in range(MOST_ATTEMPTS):
        scene.attempt(ESCALATED)
        scene.database.execute("UPDATE tickets SET status = 'open', diagnosis = NULL")
    scene.database.execute("UPDATE tickets SET status = 'diagnosed'")
    assert checks_until_offered(scene) == 0


def test_a_check_that_does_not_see_the_violation_does_not_count_for_the_pause(scene: Scene) -> None:
    scene.check("checkout")
    scene.attempt(ESCALATED)
    for _ in range(OFFER_AFTER_CHECKS - 1):
        scene.check("checkout")
        scene.check(unobserved=True)
    assert scene.statuses() == ["diagnosed"]
    assert scene.check("checkout").offered


def test_the_pause_begins_anew_with_every_escalation(scene: Scene) -> None:
    """A ticket that somebody set open by hand in the midst of its pause, and that failed again."""
    scene.check("checkout")
    scene.attempt(ESCALATED)
    for _ in range(OFFER_AFTER_CHECKS - 1):
        scene.check("checkout")
    scene.database.execute("UPDATE tickets SET status = 'open'")
    scene.attempt(ESCALATED)
    assert checks_until_offered(scene) == 2 * OFFER_AFTER_CHECKS


def test_pauses_double_and_end() -> None:
    assert [checks_before_offer(attempts) for attempts in range(5)] == [10, 10, 20, None, None]


STEPS = st.one_of(
    st.tuples(st.just("check"), st.sets(st.sampled_from("ab")), st.booleans()),
    st.tuples(st.just("attempt"), st.sampled_from([RESOLVED, ESCALATED, FAILED])),
    st.tuples(st.just("take")),
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=30))
def test_over_any_sequence_no_violation_is_lost_and_none_has_two_tickets(
    steps: list[tuple[object, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with contextlib.closing(Scene(tmp_path_factory.mktemp("sequence"))) as scene:
        held: dict[str, bool] = {}
        for step in steps:
            before = {row["id"]: row["status"] for row in scene.rows()}
            if step[0] == "check":
                violated, unobserved = step[1], step[2]
                assert isinstance(violated, set)
                scene.check(*([] if unobserved else sorted(violated)), unobserved=bool(unobserved))
                unresolved = [r for r in scene.rows() if r["status"] != "resolved"]
                names = [row["store_id"] for row in unresolved]
                assert len(names) == len(set(names)), "two tickets for one violation"
                if unobserved:
                    assert {row["id"]: row["status"] for row in scene.rows()} == before
                else:
                    assert violated <= set(names), "a violation without a ticket"
                    spare = {row["store_id"] for row in unresolved if not row["held"]} - violated
                    assert not spare, "a ticket that nobody holds without a violation"
            elif step[0] == "attempt" and not held:
                taken = scene.agent.take_next(model="model")
                if taken is None:
                    assert "open" not in before.values()
                else:
                    assert isinstance(step[1], Outcome)
                    scene.agent.let_go(taken, step[1])
            elif step[0] == "take":
                taken = scene.agent.take_next(model="model")
                if taken is not None:
                    held[taken.key] = True
        for row in scene.rows():
            assert bool(row["held"]) == (row["status"] == "acknowledged")
