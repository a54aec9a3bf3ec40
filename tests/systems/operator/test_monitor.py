"""The monitor as a process, and what it prints."""

import signal
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest

from systems.operator.invariants import Finding, Violation
from systems.operator.monitor import next_due, report
from systems.operator.tickets import CheckRecord, Filed

OVER = Violation("over_limit", "checkout", "…")


@pytest.fixture
def monitor(start: Callable[..., Any], database: Any, ratelimiter: Any, redis_server: Any) -> Any:
    """A monitor that has completed its first check of a healthy rate limiter."""
    monitor = start("monitor", "run", "--subject", "ratelimiter", "-i", "0.1", "--db", database.path)
    monitor.wait_for("Check complete: all passing")
    return monitor


def test_it_says_that_it_starts_and_what_it_does_not_observe(monitor: Any) -> None:
    assert monitor.lines[0] == "Monitor loop starting: ratelimiter, a check every 0.1 s"
    assert [line for line in monitor.lines if "high_latency" in line] == [
        "high_latency is not observed: it needs Prometheus, which this monitor does not read"
    ]


def test_a_violation_is_reported_and_filed_once(monitor: Any, ratelimiter: Any, database: Any) -> None:
    ratelimiter.counter("checkout", 15)
    monitor.wait_for(r"Created ticket 1: over_limit:checkout$")
    monitor.wait_for(r"Check complete: 1 violation\(s\) detected: over_limit:checkout", times=5)
    (row,) = database.rows("SELECT * FROM tickets")
    assert row["occurrence_count"] >= 5
    assert 'Counter "checkout" is over its limit: 15 requests' in row["message"]
    assert "RATELIMITER_URL" in row["subject_context"]


def test_a_cleared_violation_is_resolved_and_said_so(monitor: Any, ratelimiter: Any, database: Any) -> None:
    ratelimiter.counter("checkout", 15)
    monitor.wait_for("Created ticket 1")
    ratelimiter.counter("checkout", 0)
    monitor.wait_for(r"Auto-resolved 1 ticket: 1 \(over_limit:checkout\)")
    assert database.ticket(1)["status"] == "resolved"
    monitor.wait_for("all passing", after=monitor.lines.index("Created ticket 1: over_limit:checkout"))


def test_a_monitor_that_sees_nothing_says_so_and_resolves_nothing(
    monitor: Any, ratelimiter: Any, redis_server: Any, database: Any
) -> None:
    ratelimiter.counter("checkout", 15)
    monitor.wait_for("Created ticket 1")
    redis_server.kill()
    for node in list(ratelimiter.nodes):
        ratelimiter.lose(node)
    monitor.wait_for(r"Check (cycle )?failed: no rate limiter node answers", times=5)
    blind = [number for number, line in enumerate(monitor.lines) if line.startswith("Check failed")]
    assert not any("all passing" in line for line in monitor.lines[blind[0] :])
    assert [row["status"] for row in database.rows("SELECT * FROM tickets")] == ["open"]


def test_while_redis_is_lost_nothing_passes_and_no_counter_ticket_is_resolved(
    monitor: Any, ratelimiter: Any, redis_server: Any, database: Any
) -> None:
    ratelimiter.counter("checkout", 15)
    monitor.wait_for("Created ticket 1: over_limit:checkout")
    redis_server.kill()
    ratelimiter.redis = "unreachable: refused"
    ratelimiter.counter("checkout", 0)
    lost = len(monitor.lines)
    monitor.wait_for("Created ticket 2: redis_disconnected$")
    monitor.wait_for(r"Check complete: 1 violation\(s\) detected: redis_disconnected", times=3)
    assert not any("all passing" in line for line in monitor.lines[lost + 3 :])
    rows = database.rows("SELECT * FROM tickets")
    assert [(row["violation_key"], row["store_id"], row["status"]) for row in rows] == [
        ("over_limit:checkout", "checkout", "open"),
        ("redis_disconnected", None, "open"),
    ]
    redis_server.start()
    ratelimiter.redis = "ok"
    monitor.wait_for("Auto-resolved 2 tickets")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_when_told_to(monitor: Any, number: signal.Signals) -> None:
    assert monitor.stop(number) == 0
    assert monitor.lines[-1] == f"Monitor loop stopped by {number.name}"


def test_it_leaves_also_while_it_waits_for_an_answer(
    monitor: Any, ratelimiter: Any, redis_server: Any
) -> None:
    redis_server.process.send_signal(signal.SIGSTOP)
    ratelimiter.silence(*ratelimiter.nodes)
    monitor.wait_for("Check failed")
    assert monitor.stop() == 0
    redis_server.process.send_signal(signal.SIGCONT)


def test_a_slow_check_does_not_pile_up() -> None:
    assert next_due(100.0, 0.5, now=100.1) == 100.5
    assert next_due(100.0, 0.5, now=100.5) == 100.5
    assert next_due(100.0, 0.5, now=100.6) == 101.0
    assert next_due(100.0, 0.5, now=107.3) == 107.5


def test_checks_keep_their_interval(monitor: Any) -> None:
    first = len([line for line in monitor.lines if "all passing" in line])
    begun = time.monotonic()
    monitor.wait_for("all passing", times=first + 20)
    assert time.monotonic() - begun > 1.0


def test_a_database_that_is_locked_for_long_does_not_end_the_monitor(
    monitor: Any, ratelimiter: Any, database: Any
) -> None:
    lock = sqlite3.connect(database.path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    ratelimiter.counter("checkout", 15)
    monitor.wait_for("Check failed: its findings could not be recorded: database is locked")
    lock.execute("ROLLBACK")
    lock.close()
    monitor.wait_for("Created ticket 1")


def test_all_passing_is_said_only_when_all_was_observed_and_holds() -> None:
    assert report([Finding("over_limit"), Finding("node_down")], CheckRecord()) == [
        "Check complete: all passing"
    ]
    assert report(
        [Finding("over_limit", unobserved="Redis is silent"), Finding("node_down")], CheckRecord()
    ) == ["Check incomplete: over_limit not observed (Redis is silent)"]
    assert report([Finding("node_down", undecided={"a": "refused once"})], CheckRecord()) == [
        "Check incomplete: node_down undecided for a (refused once)"
    ]
    assert report(
        [Finding("over_limit", (OVER,)), Finding("node_down", undecided={"a": "refused once"})], CheckRecord()
    ) == [
        "Check complete: 1 violation(s) detected: over_limit:checkout",
        "Left open: node_down undecided for a (refused once)",
    ]


def test_invariants_that_are_not_observed_for_one_reason_are_named_together() -> None:
    findings = [Finding(name, unobserved="Redis is silent") for name in ("over_limit", "counter_drift")]
    assert report(
        [*findings, Finding("node_down", undecided={"a": "slow", "b": "lost", "c": "slow"})], CheckRecord()
    ) == [
        "Check incomplete: over_limit, counter_drift not observed (Redis is silent); "
        "node_down undecided for a, c (slow); node_down undecided for b (lost)"
    ]


def test_what_a_check_changed_is_said() -> None:
    record = CheckRecord((Filed(3, "over_limit:a"),), (Filed(1, "over_limit:b"),), (Filed(2, "node_down:c"),))
    assert report([Finding("over_limit")], record)[:3] == [
        "Created ticket 3: over_limit:a",
        "Offered ticket 1 again: over_limit:b (at most 3 attempts)",
        "Auto-resolved 1 ticket: 2 (node_down:c)",
    ]
