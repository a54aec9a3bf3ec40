"""The on-call engineer repairs what it understands, with the least change, and claims nothing unseen."""

import json
from typing import Any

import pytest

from support.model import Conversation, NoAnswer, Result, Turn, on_call_engineer
from support.model.engineer import over_limit_key
from support.model.http_shell import CLIENTS

TICKET = "Ticket 1, over_limit:checkout. Counter checkout counts 15 requests, its limit is 10."


@pytest.fixture
def env(ratelimiter: Any, path_with: Any) -> dict[str, str]:
    return {"PATH": path_with("python3"), "RATELIMITER_URL": ratelimiter.url}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_counter_over_its_limit_is_reset_and_nothing_else(
    client: str, work: Any, ratelimiter: Any, path_with: Any
) -> None:
    env = {"PATH": path_with(client), "RATELIMITER_URL": ratelimiter.url}
    session = work(on_call_engineer, TICKET, env=env)
    assert session.conclusion.startswith(
        'RESOLVED: counter "checkout" was over its limit (count 15, limit 10)'
    )
    assert ratelimiter.changes == ["POST /api/counters/checkout/reset"]
    assert ratelimiter.counts == {"checkout": 0, "search": 3}


def test_it_looks_before_it_changes_anything_and_again_afterwards(
    work: Any, ratelimiter: Any, env: dict[str, str]
) -> None:
    work(on_call_engineer, TICKET, env=env)
    methods = [line.split()[0] for line in ratelimiter.received]
    assert methods == ["GET", "GET", "GET", "POST", "GET"]


def test_its_reasoning_names_the_counter_and_the_cause_as_seen(
    work: Any, ratelimiter: Any, env: dict[str, str]
) -> None:
    ratelimiter.counts["checkout"] = 27  # not what the ticket says
    reasons = work(on_call_engineer, TICKET, env=env).replies[1].text
    assert 'Counter "checkout" is at 27 with a limit of 10' in reasons


def test_a_violation_that_has_cleared_is_resolved_without_a_change(
    work: Any, ratelimiter: Any, env: dict[str, str]
) -> None:
    ratelimiter.counts["checkout"] = 10
    session = work(on_call_engineer, TICKET, env=env)
    assert session.conclusion.startswith(
        'RESOLVED: counter "checkout" is within its limit (count 10, limit 10)'
    )
    assert "nothing was changed" in session.conclusion
    assert ratelimiter.changes == []


def test_a_counter_no_longer_listed_is_within_its_limit(
    work: Any, ratelimiter: Any, env: dict[str, str]
) -> None:
    del ratelimiter.counts["checkout"]
    session = work(on_call_engineer, TICKET, env=env)
    assert session.conclusion.startswith('RESOLVED: counter "checkout" is within its limit (it is not listed')


def test_a_reset_that_does_not_hold_is_tried_twice_and_escalated(
    work: Any, ratelimiter: Any, env: dict[str, str]
) -> None:
    ratelimiter.refill["checkout"] = 12
    session = work(on_call_engineer, TICKET, env=env)
    assert session.conclusion.startswith('ESCALATED: counter "checkout" is still over its limit (count 12')
    assert "tried to reset it 2 times" in session.conclusion
    assert len(ratelimiter.changes) == 2


def test_a_rate_limiter_that_does_not_answer_is_escalated_with_what_was_seen(
    work: Any, ratelimiter: Any, env: dict[str, str]
) -> None:
    ratelimiter.status = 503
    session = work(on_call_engineer, TICKET, env=env)
    assert session.conclusion.startswith("ESCALATED: ")
    assert "503" in session.conclusion
    assert ratelimiter.changes == []


def test_a_counter_that_cannot_be_read_is_escalated(work: Any, ratelimiter: Any, env: dict[str, str]) -> None:
    ratelimiter.counts["checkout"] = -1
    session = work(on_call_engineer, TICKET, env=env)
    assert session.conclusion.startswith("ESCALATED: ")
    assert "wrong type" in session.conclusion


def test_a_machine_without_an_http_client_is_escalated(work: Any, path_with: Any) -> None:
    session = work(on_call_engineer, TICKET, env={"PATH": path_with(), "RATELIMITER_URL": "http://x"})
    assert session.conclusion.startswith("ESCALATED: ")
    assert "no HTTP client" in session.conclusion


@pytest.mark.parametrize(
    "ticket",
    ["high_latency: p99 is above 100 ms", "over_limit", "The printer is on fire"],
)
def test_a_violation_it_cannot_repair_is_looked_at_and_escalated(
    ticket: str, work: Any, ratelimiter: Any, env: dict[str, str]
) -> None:
    session = work(on_call_engineer, ticket, env=env)
    assert session.conclusion.startswith("ESCALATED: ")
    assert "I looked at the counters, the limits and the nodes" in session.conclusion
    assert ticket in session.conclusion
    assert len(ratelimiter.received) == 3
    assert ratelimiter.changes == []


@pytest.mark.parametrize("key", ["a/b c", "user:42", "größe", "50%"])
def test_a_key_that_needs_encoding_is_reset(
    key: str, work: Any, ratelimiter: Any, env: dict[str, str]
) -> None:
    ratelimiter.counts = {key: 15}
    ratelimiter.limits = {key: 10}
    ticket = "Ticket #1: over_limit\nMetrics: " + json.dumps({"key": key}, ensure_ascii=False)
    session = work(on_call_engineer, ticket, env=env)
    assert session.conclusion.startswith("RESOLVED: ")
    assert ratelimiter.counts == {key: 0}


@pytest.mark.parametrize(
    ("ticket", "key"),
    [
        ("over_limit:checkout", "checkout"),
        ('{"violation_key": "over_limit:user:42", "store_id": "user:42"}', "user:42"),
        ("Resolve over_limit:checkout.", "checkout"),
        ("Ticket (over_limit:checkout), please", "checkout"),
        (
            "Ticket #3: over_limit\nCounter checkout over limit: count=15, limit=10 (excess=5)",
            "checkout",
        ),
        ('over_limit\nThe counter "check out" counts 15', "check out"),
        ('Ticket: over_limit\nMetrics:\n{"key": "checkout"}', "checkout"),
        ('over_limit:a b, c\nSeen: {"key": "a b, c", "count": 15}', "a b, c"),
        ('over_limit\n{"key": "gr\\u00f6\\u00dfe \\"x\\""}', 'größe "x"'),
        ("over_limit\nthe counter is too high", None),
        ("node_down:ratelimiter-2. Known invariants: over_limit:checkout", None),
        ("The printer is on fire", None),
    ],
)
def test_the_key_is_read_from_the_ticket(ticket: str, key: str | None) -> None:
    assert over_limit_key(ticket) == key


def test_an_output_handed_over_as_json_is_read_too(work: Any, ratelimiter: Any, env: dict[str, str]) -> None:
    def wrapped(conversation: Conversation) -> Any:
        turns = tuple(
            Turn(
                turn.text,
                turn.calls,
                tuple(Result(json.dumps({"stdout": each.text, "exit_code": 0})) for each in turn.results),
            )
            for turn in conversation.turns
        )
        fields = {**vars(conversation), "turns": turns}
        return on_call_engineer(Conversation(**fields))

    assert work(wrapped, TICKET, env=env).conclusion.startswith("RESOLVED: ")


def test_asked_for_a_summary_without_tools_it_gives_one() -> None:
    asked = "Summarize this in 1-2 concise sentences. Be brief.\n\nThe counter\nwas reset. " + "x" * 500
    reply = on_call_engineer(Conversation("c", "m", "", (), asked))
    assert reply.text.startswith("The counter was reset. xxx")
    assert len(reply.text) <= 301


def test_without_a_tool_that_takes_a_command_it_has_no_answer() -> None:
    with pytest.raises(NoAnswer, match="no tool that takes a command"):
        on_call_engineer(Conversation("c", "m", "", (), TICKET))
