"""Monitor and agent together, in any order of starting."""

import concurrent.futures
from collections.abc import Callable
from typing import Any

import pytest

MONITOR = ("monitor", "run", "--subject", "ratelimiter", "-i", "0.1", "--db")


@pytest.mark.parametrize("order", ["monitor first", "agent first", "same instant"])
def test_both_become_ready_on_a_new_database_in_any_order(
    start: Callable[..., Any], database: Any, ratelimiter: Any, redis_server: Any, order: str
) -> None:
    def monitor() -> None:
        start(*MONITOR, database.path).wait_for("Monitor loop starting")

    def agent() -> None:
        start("agent", database.path).wait_for("Agent loop starting")

    if order == "same instant":
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for started in [pool.submit(each) for each in (monitor, agent, monitor, agent)]:
                started.result()
    else:
        for each in (monitor, agent) if order == "monitor first" else (agent, monitor):
            each()
    assert database.rows("SELECT * FROM tickets") == []


def test_a_violation_is_found_repaired_and_recorded(
    start: Callable[..., Any],
    database: Any,
    ratelimiter: Any,
    redis_server: Any,
    model: Any,
    says: Callable[..., Any],
    runs: Callable[..., Any],
) -> None:
    def script(turn: int, request: Any) -> Any:
        if turn == 0:
            return runs("echo $RATELIMITER_URL")
        ratelimiter.counter("checkout", 0)
        return says("RESOLVED: counter checkout was reset.")

    model.script = script
    monitor, agent = start(*MONITOR, database.path), start("agent", database.path)
    monitor.wait_for("all passing")
    ratelimiter.counter("checkout", 15)
    monitor.wait_for("Created ticket 1: over_limit:checkout")
    agent.wait_for("Ticket #1 -> resolved")
    healthy = len(monitor.lines)
    monitor.wait_for("all passing", after=healthy, times=5)
    (row,) = database.rows("SELECT * FROM tickets")
    assert (row["status"], row["diagnosis"]) == ("resolved", "counter checkout was reset.")
    assert ratelimiter.url() in agent.text


def test_a_claim_that_is_not_true_does_not_last(
    start: Callable[..., Any], database: Any, ratelimiter: Any, redis_server: Any, model: Any
) -> None:
    """Without a script the model claims that all is well."""
    monitor, agent = start(*MONITOR, database.path), start("agent", database.path)
    monitor.wait_for("all passing")
    ratelimiter.counter("checkout", 15)
    agent.wait_for("Ticket #1 -> resolved")
    monitor.wait_for("Created ticket 2: over_limit:checkout")
