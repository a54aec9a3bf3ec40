"""The invariants of a rate limiter, from observations made up here."""

from dataclasses import replace

from systems.operator.invariants import Finding
from systems.operator.subjects.ratelimiter_rules import (
    CONFIRM_SECONDS,
    DOUBT_SECONDS,
    Counter,
    Node,
    Observation,
    Rules,
    Thresholds,
)

NODES = tuple(Node(f"ratelimiter-{n}", f"http://10.0.0.{n}", "alive", "Up") for n in (1, 2, 3))
HEALTHY = Observation(NODES, counters=(), redis_counts={}, seen_through="http://10.0.0.1")
LOST = Node("ratelimiter-2", "http://10.0.0.2", "refused", "Down", why="connection refused")


def judged(*observations: Observation, every: float = 0.5, **thresholds: float) -> dict[str, Finding]:
    """The findings of the last of some checks, one `every` so many seconds."""
    rules = Rules(Thresholds(**thresholds))  # type: ignore[arg-type]
    findings: tuple[Finding, ...] = ()
    for number, seen in enumerate(observations):
        findings = rules.judge(seen, at=1000.0 + number * every)
    return {finding.invariant: finding for finding in findings}


def keys(findings: dict[str, Finding]) -> list[str]:
    return [violation.key for finding in findings.values() for violation in finding.violations]


def with_node(node: Node, **more: object) -> Observation:
    nodes = tuple(node if node.id == each.id else each for each in NODES)
    return replace(HEALTHY, nodes=nodes, **more)


def with_counters(*counters: Counter, **more: object) -> Observation:
    counts = {counter.key: counter.count for counter in counters}
    return replace(HEALTHY, **{"counters": counters, "redis_counts": counts, **more})


def decided(findings: dict[str, Finding]) -> bool:
    return not any(finding.undecided or finding.unobserved for finding in findings.values())


def test_in_a_healthy_cluster_everything_is_observed_and_holds() -> None:
    findings = judged(HEALTHY)
    assert keys(findings) == []
    assert decided(findings)


def test_a_redis_that_only_the_monitor_cannot_reach_is_undecided() -> None:
    cut_off = replace(HEALTHY, redis="refused", counters=None, no_counters="Redis does not answer")
    findings = judged(*[cut_off] * 20)
    assert keys(findings) == []
    assert "refused" in findings["redis_disconnected"].undecided["redis"]
    assert not findings["redis_disconnected"].clears(None)


def test_a_node_without_redis_is_listed_as_down_for_that_and_is_no_lost_node() -> None:
    node = Node("ratelimiter-2", "http://10.0.0.2", "alive", "Down", redis="unreachable: refused")
    findings = judged(*[with_node(node)] * 20)
    assert keys(findings) == ["redis_disconnected"]
    assert not findings["node_down"].clears("ratelimiter-2")


def test_a_count_over_the_limit_is_a_violation_at_once() -> None:
    findings = judged(
        with_counters(Counter("checkout", 15, 10, 60_000, 0), Counter("login", 3, 10, 60_000, 7))
    )
    assert keys(findings) == ["over_limit:checkout"]
    (violation,) = findings["over_limit"].violations
    assert violation.message == (
        'Counter "checkout" is over its limit: 15 requests within 60 s, the limit is 10 '
        "(seen through http://10.0.0.1)."
    )
    assert violation.snapshot == {
        "key": "checkout",
        "count": 15,
        "limit": 10,
        "window_ms": 60_000,
        "remaining": 0,
    }


def test_a_count_at_the_limit_is_not_over_it() -> None:
    assert keys(judged(with_counters(Counter("checkout", 10, 10, 60_000, 0)))) == []


def test_a_key_without_a_limit_that_would_be_allowed_is_a_ghost() -> None:
    findings = judged(with_counters(Counter("ghost", 0, 0, 60_000, 5), Counter("closed", 0, 0, 60_000, 0)))
    assert keys(findings) == ["ghost_allowing:ghost"]


def test_a_counter_that_cannot_be_read_is_undecided_and_not_fine() -> None:
    findings = judged(with_counters(Counter("odd", error="wrong type: string"), redis_counts={}))
    assert keys(findings) == []
    assert [name for name, finding in findings.items() if not finding.clears("odd")] == [
        "over_limit",
        "ghost_allowing",
        "counter_drift",
    ]


def test_a_lost_node_is_undecided_until_it_is_confirmed() -> None:
    first = judged(with_node(LOST))
    assert keys(first) == []
    assert not first["node_down"].clears("ratelimiter-2")
    assert first["node_down"].clears("ratelimiter-1")
    later = judged(with_node(LOST), with_node(LOST), every=CONFIRM_SECONDS)
    assert keys(later) == ["node_down:ratelimiter-2"]
    (violation,) = later["node_down"].violations
    assert violation.message == (
        "Rate limiter node ratelimiter-2 (http://10.0.0.2) is down: "
        "connection refused, and it is listed as Down."
    )


def test_a_node_that_is_back_at_the_next_check_was_never_down() -> None:
    assert decided(judged(with_node(LOST), HEALTHY, every=CONFIRM_SECONDS))
    assert keys(judged(with_node(LOST), HEALTHY, with_node(LOST), every=CONFIRM_SECONDS)) == []


def test_a_node_that_refuses_is_down_whatever_the_list_says() -> None:
    for state in ("Up", None):
        refusing = with_node(replace(LOST, state=state))
        assert keys(judged(refusing, refusing, every=CONFIRM_SECONDS)) == ["node_down:ratelimiter-2"]


def test_a_paused_node_is_down_once_it_is_listed_so() -> None:
    paused = with_node(replace(LOST, health="silent"))
    assert keys(judged(paused, paused, every=CONFIRM_SECONDS)) == ["node_down:ratelimiter-2"]


def test_a_node_that_is_merely_slow_gets_more_time() -> None:
    slow = with_node(replace(LOST, health="silent", state="Up"))
    assert keys(judged(slow, slow, every=DOUBT_SECONDS * 0.9)) == []
    assert keys(judged(slow, slow, every=DOUBT_SECONDS)) == ["node_down:ratelimiter-2"]


def test_a_node_that_was_silent_and_is_now_listed_as_down_needs_no_more_time() -> None:
    silent = replace(LOST, health="silent")
    findings = judged(with_node(replace(silent, state="Up")), with_node(silent), every=CONFIRM_SECONDS)
    assert keys(findings) == ["node_down:ratelimiter-2"]


def test_a_node_listed_as_down_that_answers_gets_time_for_its_heartbeat() -> None:
    answering = with_node(replace(LOST, health="alive"))
    assert keys(judged(answering, answering, every=DOUBT_SECONDS * 0.9)) == []
    assert keys(judged(answering, answering, every=DOUBT_SECONDS)) == ["node_down:ratelimiter-2"]


def test_while_redis_is_lost_silent_nodes_are_not_blamed() -> None:
    nodes = tuple(replace(node, health="silent", state=None) for node in NODES)
    blind = Observation(nodes, listed=False, redis="no answer", no_counters="Redis does not answer")
    findings = judged(*[blind] * 20)
    assert keys(findings) == ["redis_disconnected"]
    assert not any(findings["node_down"].clears(node.id) for node in NODES)


def test_while_redis_is_lost_a_node_that_refuses_is_still_down() -> None:
    nodes = (replace(LOST, state=None), *(replace(n, state=None, redis="unreachable") for n in NODES[2:]))
    lost = Observation(nodes, listed=False, redis="refused", no_counters="Redis does not answer")
    findings = judged(lost, lost, every=CONFIRM_SECONDS)
    assert keys(findings) == ["node_down:ratelimiter-2", "redis_disconnected"]


def test_a_lost_redis_is_one_violation_of_the_whole_cluster_when_confirmed() -> None:
    nodes = tuple(replace(node, state=None, redis="unreachable: refused") for node in NODES)
    lost = Observation(nodes, listed=False, redis="refused", no_counters="Redis does not answer")
    assert keys(judged(lost)) == []
    findings = judged(lost, lost, every=CONFIRM_SECONDS)
    assert keys(findings) == ["redis_disconnected"]
    (violation,) = findings["redis_disconnected"].violations
    assert "asked directly: refused; ratelimiter-1 says: unreachable: refused" in violation.message


def test_a_node_that_alone_has_lost_redis_is_reported() -> None:
    cut_off = with_node(replace(NODES[1], redis="unreachable: timed out"))
    findings = judged(cut_off, cut_off, every=CONFIRM_SECONDS)
    assert keys(findings) == ["redis_disconnected"]


def test_without_redis_counters_are_unobserved_and_no_ticket_of_theirs_is_cleared() -> None:
    lost = Observation((), listed=False, redis="refused", no_counters="Redis does not answer")
    findings = judged(lost)
    for name in ("over_limit", "ghost_allowing", "counter_drift"):
        assert findings[name].unobserved == "Redis does not answer"
        assert not findings[name].clears("checkout")


def test_drift_is_a_violation_only_when_it_lasts() -> None:
    drifted = with_counters(Counter("checkout", 9, 10, 60_000, 1), redis_counts={"checkout": 3})
    first = judged(drifted)
    assert keys(first) == []
    assert not first["counter_drift"].clears("checkout")
    assert keys(judged(drifted, drifted, every=30.0)) == ["counter_drift:checkout"]
    assert keys(judged(drifted, HEALTHY, drifted, every=30.0)) == []


def test_a_difference_at_the_threshold_is_no_drift() -> None:
    close = with_counters(Counter("checkout", 8, 10, 60_000, 2), redis_counts={"checkout": 3})
    assert decided(judged(close))


def test_the_thresholds_of_drift_can_be_set() -> None:
    drifted = with_counters(Counter("checkout", 5, 10, 60_000, 5), redis_counts={"checkout": 3})
    assert keys(judged(drifted, drifted, every=2.0, drift=1, drift_seconds=2.0)) == ["counter_drift:checkout"]


def test_a_counter_that_only_redis_knows_has_drifted() -> None:
    hidden = with_counters(redis_counts={"hidden": 7})
    assert keys(judged(hidden, hidden, every=30.0)) == ["counter_drift:hidden"]


def test_requests_that_come_between_two_looks_are_no_drift() -> None:
    busy = with_counters(
        Counter("checkout", 10, 100, 60_000, 90),
        redis_counts={"checkout": 30},
        counts_again={"checkout": 50},
    )
    assert decided(judged(busy))


def test_a_count_that_is_off_before_and_after_has_drifted() -> None:
    drifted = with_counters(
        Counter("checkout", 10, 100, 60_000, 90),
        redis_counts={"checkout": 30},
        counts_again={"checkout": 11},
    )
    assert keys(judged(drifted, drifted, every=30.0)) == ["counter_drift:checkout"]
