"""What the monitor sees of a rate limiter: a fake API and a real Redis, observed for real."""

import signal
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import redis

from systems.operator.invariants import Finding
from systems.operator.subjects import CannotObserveError
from systems.operator.subjects.ratelimiter import RatelimiterWatch, watch
from systems.operator.subjects.ratelimiter_rules import Thresholds

pytestmark = pytest.mark.anyio


@pytest.fixture
async def watching(
    environment: dict[str, str], ratelimiter: Any, redis_server: Any
) -> AsyncIterator[RatelimiterWatch]:
    async with watch(environment, Thresholds()) as watching:
        yield watching


def of(findings: Sequence[Finding], name: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.invariant == name]
    return finding


def violated(findings: Sequence[Finding]) -> set[str]:
    return {violation.key for finding in findings for violation in finding.violations}


def open_questions(findings: Sequence[Finding]) -> dict[str, object]:
    return {f.invariant: f.unobserved or f.undecided for f in findings if f.unobserved or f.undecided}


async def until(watching: RatelimiterWatch, *keys: str) -> Sequence[Finding]:
    """Check until the violations are exactly `keys`."""
    deadline = time.monotonic() + 60
    saw: object = None
    while time.monotonic() < deadline:
        try:
            findings = await watching.check()
        except CannotObserveError as error:
            saw = error
            continue
        saw = (violated(findings), open_questions(findings))
        if violated(findings) == {*keys}:
            return findings
    raise AssertionError(f"the last check saw {saw}")


async def test_of_a_healthy_cluster_everything_is_observed(
    watching: RatelimiterWatch, ratelimiter: Any
) -> None:
    ratelimiter.counter("checkout", 0)
    findings = await watching.check()
    assert violated(findings) == set()
    assert open_questions(findings) == {}
    assert [finding.invariant for finding in findings] == [
        "node_down",
        "redis_disconnected",
        "over_limit",
        "ghost_allowing",
        "counter_drift",
    ]


async def test_a_counter_over_its_limit_is_seen_at_the_first_check(
    watching: RatelimiterWatch, ratelimiter: Any
) -> None:
    ratelimiter.counter("checkout", 15)
    assert violated(await watching.check()) == {"over_limit:checkout"}


async def test_a_lost_node_is_seen_through_the_others(watching: RatelimiterWatch, ratelimiter: Any) -> None:
    await watching.check()
    ratelimiter.lose("ratelimiter-2")
    await until(watching, "node_down:ratelimiter-2")


async def test_when_the_node_it_was_told_of_is_gone_it_goes_on_with_the_others(
    watching: RatelimiterWatch, ratelimiter: Any
) -> None:
    await watching.check()
    ratelimiter.lose("ratelimiter-1", listed_as="Down")
    ratelimiter.counter("checkout", 15)
    findings = await until(watching, "node_down:ratelimiter-1", "over_limit:checkout")
    (violation,) = of(findings, "over_limit").violations
    assert ratelimiter.url("ratelimiter-2") in violation.message


async def test_a_node_that_was_never_listed_and_does_not_answer_blinds_the_monitor(
    watching: RatelimiterWatch, ratelimiter: Any
) -> None:
    ratelimiter.lose("ratelimiter-1")
    with pytest.raises(CannotObserveError, match=r"no rate limiter node has answered yet .*refused"):
        await watching.check()


async def test_a_paused_node_does_not_stall_a_check(watching: RatelimiterWatch, ratelimiter: Any) -> None:
    await watching.check()
    ratelimiter.silence("ratelimiter-1", "ratelimiter-3")
    begun = time.monotonic()
    findings = await watching.check()
    # Far below the time-outs in a row, far above one of them on a busy machine.
    assert time.monotonic() - begun < 2.5
    assert set(of(findings, "node_down").undecided) == {"ratelimiter-1", "ratelimiter-3"}
    assert of(findings, "over_limit").unobserved is None


async def test_when_all_nodes_are_silent_nothing_can_be_observed(
    watching: RatelimiterWatch, ratelimiter: Any
) -> None:
    await watching.check()
    ratelimiter.silence(*ratelimiter.nodes)
    with pytest.raises(CannotObserveError, match=r"no rate limiter node answers .*no answer within"):
        await watching.check()


async def test_when_all_nodes_are_gone_each_is_down(watching: RatelimiterWatch, ratelimiter: Any) -> None:
    await watching.check()
    for node in list(ratelimiter.nodes):
        ratelimiter.lose(node)
    findings = await until(watching, *(f"node_down:{node}" for node in ratelimiter.nodes))
    assert of(findings, "over_limit").unobserved is not None


async def test_nodes_that_refuse_this_monitor_and_send_heartbeats_are_not_down(
    watching: RatelimiterWatch, ratelimiter: Any, environment: dict[str, str]
) -> None:
    await watching.check()
    for node in list(ratelimiter.nodes):
        ratelimiter.lose(node)
    with redis.Redis.from_url(environment["REDIS_URL"]) as client:
        client.hset("ratelimiter:nodes:ratelimiter-2", "address", "somewhere")
    with pytest.raises(CannotObserveError, match="though Redis has heartbeats of ratelimiter-2"):
        await watching.check()


async def test_when_nodes_and_redis_are_gone_nothing_can_be_observed(
    watching: RatelimiterWatch, ratelimiter: Any, redis_server: Any
) -> None:
    await watching.check()
    redis_server.kill()
    for node in list(ratelimiter.nodes):
        ratelimiter.lose(node)
    with pytest.raises(CannotObserveError, match="nor Redis"):
        await watching.check()


@pytest.mark.parametrize("loss", ["killed", "paused"])
async def test_a_lost_redis_is_one_violation_and_gone_when_it_is_back(
    watching: RatelimiterWatch, ratelimiter: Any, redis_server: Any, loss: str
) -> None:
    ratelimiter.counter("checkout", 15)
    assert violated(await watching.check()) == {"over_limit:checkout"}
    if loss == "killed":
        redis_server.kill()
    else:
        redis_server.process.send_signal(signal.SIGSTOP)
    ratelimiter.redis = "unreachable: refused"
    findings = await until(watching, "redis_disconnected")
    assert not of(findings, "over_limit").clears("checkout")
    if loss == "killed":
        redis_server.start()
    else:
        redis_server.process.send_signal(signal.SIGCONT)
    ratelimiter.redis = "ok"
    findings = await watching.check()
    assert violated(findings) == {"over_limit:checkout"}
    assert of(findings, "redis_disconnected").clears(None)


async def test_nodes_that_wait_for_a_paused_redis_are_waited_for(
    watching: RatelimiterWatch, ratelimiter: Any, redis_server: Any
) -> None:
    await watching.check()
    redis_server.process.send_signal(signal.SIGSTOP)
    ratelimiter.redis = "unreachable: no answer"
    ratelimiter.redis_patience = 0.7
    await until(watching, "redis_disconnected")


async def test_a_paused_redis_does_not_stall_a_check(
    watching: RatelimiterWatch, ratelimiter: Any, redis_server: Any
) -> None:
    await watching.check()
    redis_server.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    await watching.check()
    assert time.monotonic() - begun < 2.5
    redis_server.process.send_signal(signal.SIGCONT)


async def test_the_counts_in_redis_are_those_within_the_window(
    watching: RatelimiterWatch, ratelimiter: Any, redis_server: Any
) -> None:
    """30 requests in Redis: 10 live by the API's window, 20 long gone."""
    with redis.Redis.from_url(redis_server.url) as client:
        now_ms = int(time.time() * 1000)
        client.zadd("ratelimit:checkout", {f"live-{n}": now_ms for n in range(10)})
        client.zadd("ratelimit:checkout", {f"gone-{n}": now_ms - 90_000 for n in range(20)})
        client.set("ratelimit:checkout:seq", 30)
        client.hset("ratelimit:limit:checkout", mapping={"limit": 10, "window_ms": 60_000})
    ratelimiter.counter("checkout", 10)
    assert open_questions(await watching.check()) == {}
    ratelimiter.counter("checkout", 10, window_ms=120_000)
    assert "checkout" in of(await watching.check(), "counter_drift").undecided


async def test_a_key_that_only_redis_has_is_counted_with_its_own_window(
    watching: RatelimiterWatch, ratelimiter: Any, redis_server: Any
) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        now_ms = int(time.time() * 1000)
        client.zadd("ratelimit:hidden/ключ:1", {f"{n}": now_ms - 5_000 for n in range(9)})
        client.hset("ratelimit:limit:hidden/ключ:1", mapping={"limit": 1, "window_ms": 1_000})
        client.zadd("ratelimit:plain", {f"{n}": now_ms - 5_000 for n in range(9)})
    findings = await watching.check()
    assert set(of(findings, "counter_drift").undecided) == {"plain"}


async def test_a_counter_with_an_error_is_undecided(watching: RatelimiterWatch, ratelimiter: Any) -> None:
    ratelimiter.counters = [{"key": "odd", "error": "wrong type: string"}]
    findings = await watching.check()
    assert of(findings, "over_limit").undecided == {"odd": "wrong type: string"}


@pytest.mark.parametrize("counters", [None, [{"key": "k"}], [17], [{"key": "k", "count": "many"}]])
async def test_counters_that_make_no_sense_are_unobserved(
    watching: RatelimiterWatch, ratelimiter: Any, counters: Any
) -> None:
    ratelimiter.counters = counters or []
    if counters is None:
        ratelimiter._answer = lambda node, path, answer=ratelimiter._answer: (
            (200, "what?") if path == "/api/counters" else answer(node, path)
        )
    findings = await watching.check()
    assert of(findings, "over_limit").unobserved is not None
