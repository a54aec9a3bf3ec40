import pytest

from support.evidence.eventually import eventually, expect, mismatch
from support.evidence.matchers import (
    a_number_up_to,
    a_session_that_was,
    a_ticket_for,
    a_ticket_in_hand,
    a_ticket_that_is,
    a_worked_ticket,
    an_escalated_ticket,
    no_ticket,
    only,
    the_only,
    unchanged_from,
)
from support.evidence.records import Records, Session, Ticket


def ticket(**fields):
    given = {
        "id": 1,
        "violation_key": "over_limit:checkout",
        "invariant_name": "over_limit",
        "store_id": "checkout",
        "status": "open",
        "held": False,
        "occurrence_count": 1,
        "resolved_at": None,
        "message": "counter checkout stands at 15",
        "diagnosis": None,
    }
    return Ticket(**{**given, **fields})


def session(**fields):
    given = {
        "session_id": "s",
        "ticket_id": 1,
        "status": "resolved",
        "started_at": "",
        "ended_at": "",
        "outcome_summary": 'reset counter "Checkout"',
        "entries": (),
    }
    return Session(**{**given, **fields})


def test_a_ticket_is_for_its_invariant_and_part():
    assert a_ticket_for("over_limit", "checkout").matches(ticket())
    assert not a_ticket_for("over_limit", "search").matches(ticket())
    assert not a_ticket_for("node_down", "checkout").matches(ticket())
    assert not a_ticket_for("over_limit", "checkout", status="resolved").matches(ticket())
    assert not a_ticket_for("over_limit", "checkout").matches(ticket(store_id="search"))


def test_another_ticket_where_one_is_due_is_the_operators_failure_and_not_the_suites():
    assert the_only(iter([ticket(id=7)])).id == 7
    for tickets, seen in (((), "there was no ticket"), ((ticket(), ticket(id=8)), "there were 2:")):
        with pytest.raises(AssertionError, match=f"expected: exactly one ticket\n  but: {seen}"):
            the_only(tickets)


def test_the_mismatch_says_which_tickets_there_were():
    seen = mismatch(
        (ticket(id=7, store_id="search"), ticket(id=8)), only(a_ticket_for("over_limit", "checkout"))
    )
    assert seen == (
        "expected: exactly one ticket: a ticket for over_limit:checkout\n"
        "  but: there were 2:\n"
        "    ticket #7 for over_limit:checkout, open\n"
        "    ticket #8 for over_limit:checkout, open"
    )


def test_no_ticket_is_told_apart_from_one():
    assert no_ticket().matches(())
    with pytest.raises(AssertionError, match="expected: no ticket"):
        expect((ticket(),), no_ticket())


def test_a_session_names_what_it_did_in_any_case():
    assert a_session_that_was("resolved", naming=["checkout"]).matches(session())
    assert not a_session_that_was("resolved", naming=["search"]).matches(session())
    assert not a_session_that_was("escalated").matches(session())


@pytest.mark.parametrize(
    ("status", "diagnosis", "session_status", "worked"),
    [
        ("resolved", None, "resolved", True),
        ("diagnosed", "ESCALATED: cannot", "escalated", True),
        ("diagnosed", "a guess", "escalated", False),
        ("acknowledged", None, "running", False),
        ("resolved", None, "running", False),
    ],
)
def test_a_ticket_is_worked_when_both_records_say_so(status, diagnosis, session_status, worked):
    records = Records(
        tickets=(ticket(status=status, diagnosis=diagnosis),), sessions=(session(status=session_status),)
    )
    assert a_worked_ticket().matches(records) is worked


def test_without_a_session_nothing_was_worked():
    assert not a_worked_ticket().matches(Records())


def test_every_difference_is_named():
    seen = mismatch({"limit": "20", "new": "1"}, unchanged_from({"limit": "10", "gone": "2"}))
    assert "gone was 2 and is gone; limit was 10 and is 20; new was not there and is 1" in seen


def test_a_measure_that_was_not_taken_is_not_within_its_limit():
    assert a_number_up_to(5, "seconds").matches(4.9)
    assert "it did not happen" in mismatch(None, a_number_up_to(5, "seconds"))


@pytest.mark.anyio
async def test_eventually_gives_the_last_mismatch_when_the_time_is_over():
    with pytest.raises(AssertionError, match=r"expected: no ticket\n  but: there was:(.|\n)*waited: 0.05 s"):
        await eventually(lambda: (ticket(),), no_ticket(), within=0.05)


@pytest.mark.anyio
async def test_eventually_returns_what_matched():
    looks = iter([(ticket(),), ()])
    assert await eventually(lambda: next(looks), no_ticket(), within=5) == ()


def test_a_ticket_is_escalated_when_its_diagnosis_says_so_and_names_why():
    escalated = ticket(status="diagnosed", diagnosis="ESCALATED: interrupted by SIGTERM")
    assert an_escalated_ticket(naming="SIGTERM").matches(escalated)
    assert not an_escalated_ticket(naming="SIGINT").matches(escalated)
    assert not an_escalated_ticket(naming="SIGTERM").matches(ticket(status="resolved", diagnosis="SIGTERM"))
    assert mismatch(escalated, an_escalated_ticket(naming="SIGINT")) == (
        "expected: a ticket that is escalated and names SIGINT\n"
        "  but: ticket #1 for over_limit:checkout, diagnosed, ESCALATED: interrupted by SIGTERM"
    )


def test_a_ticket_in_hand_is_held_and_has_come_to_no_end():
    assert a_ticket_in_hand().matches(ticket(status="acknowledged", held=True))
    assert not a_ticket_in_hand().matches(ticket(status="acknowledged"))
    resolved = ticket(status="resolved", held=True)
    assert not a_ticket_in_hand().matches(resolved)
    assert mismatch(resolved, a_ticket_in_hand()).endswith("#1 for over_limit:checkout, resolved and held")
    assert a_ticket_that_is("resolved").matches(resolved)
