"""Which session repaired which fault is told from tickets, summaries, and the time of each change."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from support.evidence.attribution import expect_apart, resolved_session
from support.evidence.records import Entry, Records, Session, Ticket
from support.faults.fault import Expected
from support.stacks.stack import Change

OVER = Expected(
    invariant="over_limit", identifier="checkout", part="checkout", cause="over", remedy=r"\breset"
)
DOWN = Expected(
    invariant="node_down", identifier="ratelimiter-2", part="ratelimiter-2", cause="down", remedy=r"start"
)
FAULTS = (
    SimpleNamespace(expected=OVER, breaks=("counter checkout",)),
    SimpleNamespace(expected=DOWN, breaks=("node ratelimiter-2",)),
)


def ticket(number, key):
    return Ticket(
        id=number,
        violation_key=key,
        invariant_name=key.partition(":")[0],
        store_id=key.partition(":")[2],
        status="resolved",
        held=False,
        occurrence_count=1,
        resolved_at=None,
        message="",
        diagnosis=None,
    )


def session(number, summary, *, called_at):
    entry = Entry(
        id=number,
        session_id=f"s{number}",
        entry_type="tool_call",
        content="",
        tool_name="shell",
        tool_params=None,
        exit_code=None,
        timestamp=f"2026-01-01T00:00:{called_at:02d}+00:00",
    )
    return Session(
        session_id=f"s{number}",
        ticket_id=number,
        status="resolved",
        started_at="",
        ended_at=None,
        outcome_summary=summary,
        entries=(entry,),
    )


RECORDS = Records(
    tickets=(ticket(1, OVER.key), ticket(2, DOWN.key)),
    sessions=(
        session(1, "Counter checkout was reset.", called_at=10),
        session(2, "Node ratelimiter-2 was started.", called_at=20),
    ),
)
START = RECORDS.sessions[0].entries[0].wall - 10


def change(second, what):
    return Change(wall=START + second, what=what)


def test_each_fault_repaired_by_the_session_on_its_ticket_is_as_it_must_be():
    expect_apart(
        RECORDS, FAULTS, [change(11, "DEL ratelimit:checkout"), change(21, "stackctl start ratelimiter-2")]
    )


def test_a_change_by_the_session_on_another_ticket_is_told():
    with pytest.raises(AssertionError, match="'stackctl start ratelimiter-2' was made during session s1"):
        expect_apart(RECORDS, FAULTS, [change(11, "stackctl start ratelimiter-2")])


def test_a_change_to_what_no_fault_broke_is_told():
    with pytest.raises(AssertionError, match="'FLUSHALL' was made during session s2"):
        expect_apart(RECORDS, FAULTS, [change(21, "FLUSHALL")])


def test_a_change_before_any_session_is_told():
    with pytest.raises(AssertionError, match="no session at all"):
        expect_apart(RECORDS, FAULTS, [change(1, "DEL ratelimit:checkout")])


@pytest.mark.parametrize("summary", ["All is well.", "Counter checkout is fine.", "It was reset.", None])
def test_a_summary_names_the_part_and_what_was_done(summary):
    records = replace(RECORDS, sessions=(replace(RECORDS.sessions[0], outcome_summary=summary),))
    with pytest.raises(AssertionError, match="the summary names checkout"):
        resolved_session(records, OVER)


def test_a_fault_without_a_resolved_session_is_told():
    with pytest.raises(
        AssertionError, match="one resolved session on the ticket for node_down:ratelimiter-2"
    ):
        resolved_session(replace(RECORDS, sessions=RECORDS.sessions[:1]), DOWN)
