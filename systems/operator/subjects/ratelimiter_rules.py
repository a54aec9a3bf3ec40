"""What an observation of a rate limiter says about its invariants; no input or output here.

What is seen once can be a restart, or a machine out of breath. A node or Redis that is missing must
be missing for `CONFIRM_SECONDS`, one that merely seems wrong for `DOUBT_SECONDS`; a count speaks at
once. Between the first sighting and the decision the matter is undecided.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from systems.operator.invariants import Finding, Persistence, Violation

CONFIRM_SECONDS = 2.0
DOUBT_SECONDS = 3.0

# alive: its /health answered; refused: nobody listens at its address; silent: no sensible answer.
Health = Literal["alive", "refused", "silent"]


@dataclass(frozen=True)
class Thresholds:
    """When the counts of API and Redis differ so much and so long that it is a violation."""

    drift: int = 5  # requests
    drift_seconds: float = 30.0


@dataclass(frozen=True)
class Node:
    """A node that has been listed at some time, as one check saw it."""

    id: str
    url: str
    health: Health
    state: str | None = None  # as listed, "Up" or "Down"; None if it is not listed
    redis: str = "ok"  # what its /health says of Redis
    why: str = ""  # when not alive, what happened instead


@dataclass(frozen=True)
class Counter:
    """One counter as the API has it; with an `error` the figures mean nothing."""

    key: str
    count: int = 0
    limit: int = 0
    window_ms: int = 0
    remaining: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Observation:
    """All that one check saw of a rate limiter."""

    nodes: tuple[Node, ...]
    listed: bool = True  # whether some node listed the nodes
    redis: str | None = None  # what is wrong with Redis when asked directly; None: it answers
    counters: tuple[Counter, ...] | None = None  # None: no node told them
    no_counters: str = ""  # then: why
    redis_counts: Mapping[str, int] | None = None  # key: live requests in Redis; None: not read
    counts_again: Mapping[str, int] | None = None  # the API's, asked again after Redis
    seen_through: str = ""  # URL of the node that told


class Rules:
    """The invariants of a rate limiter, with what earlier checks have seen of each."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._suspected = Persistence()
        self._redis = Persistence()
        self._drifting = Persistence()

    def judge(self, seen: Observation, *, at: float) -> tuple[Finding, ...]:
        """One finding for each invariant that is observed; `at`: monotonic time, in seconds."""
        return (
            self._node_down(seen, at=at),
            self._redis_disconnected(seen, at=at),
            _over_limit(seen),
            _ghost_allowing(seen),
            self._counter_drift(seen, at=at),
        )

    def _node_down(self, seen: Observation, *, at: float) -> Finding:
        missing, doubtful, unknown = _nodes_suspected(seen)
        self._suspected.seen({**missing, **doubtful}, at=at, unknown=unknown)
        violations: list[Violation] = []
        undecided = dict(unknown)
        for node in seen.nodes:
            why = missing.get(node.id) or doubtful.get(node.id)
            if why is None:
                continue
            enough = CONFIRM_SECONDS if node.id in missing else DOUBT_SECONDS
            if self._suspected.seconds(node.id, at=at) >= enough:
                violations.append(_down(node, why))
            else:
                undecided[node.id] = why
        return Finding("node_down", tuple(violations), undecided)

    def _redis_disconnected(self, seen: Observation, *, at: float) -> Finding:
        reports = [f"{n.id} says: {n.redis}" for n in seen.nodes if n.redis != "ok"]
        asked = f"asked directly: {seen.redis}"
        if seen.redis is not None and not reports and any(n.health == "alive" for n in seen.nodes):
            # The nodes have their Redis: it is this monitor that has lost its way to it.
            why = f"{asked}; but the nodes say that theirs is ok"
            return Finding("redis_disconnected", undecided={"redis": why})
        if seen.redis is not None:
            reports.insert(0, asked)
        self._redis.seen(["redis"] if reports else [], at=at)
        if not reports:
            return Finding("redis_disconnected")
        why = "; ".join(reports)
        if self._redis.seconds("redis", at=at) < CONFIRM_SECONDS:
            return Finding("redis_disconnected", undecided={"the cluster": why})
        violation = Violation(
            "redis_disconnected",
            None,
            f"The rate limiter has lost its Redis: {why}.",
            "critical",
            {
                "asked_directly": seen.redis or "ok",
                "nodes": {node.id: node.redis for node in seen.nodes},
            },
        )
        return Finding("redis_disconnected", (violation,))

    def _counter_drift(self, seen: Observation, *, at: float) -> Finding:
        if seen.counters is None:
            return Finding("counter_drift", unobserved=seen.no_counters)
        if seen.redis_counts is None:
            return Finding("counter_drift", unobserved="the counts in Redis could not be read")
        drifts = drifting(seen.counters, seen.redis_counts, self._thresholds.drift)
        if drifts and seen.counts_again is not None:
            # Requests that came between the two looks are not drift: only a count that is off from
            # what the API said both before and after is.
            again = [Counter(key, count) for key, count in seen.counts_again.items()]
            sustained = drifting(again, seen.redis_counts, self._thresholds.drift)
            drifts = {
                key: pair
                for key, pair in drifts.items()
                if key in sustained and (pair[0] > pair[1]) == (sustained[key][0] > sustained[key][1])
            }
        self._drifting.seen(drifts, at=at)
        violations: list[Violation] = []
        undecided = {c.key: c.error for c in seen.counters if c.error is not None}
        for key, (api, redis) in drifts.items():
            seconds = self._drifting.seconds(key, at=at)
            text = (
                f'Counter "{key}" has drifted: the API says {api} requests, Redis holds {redis}, '
                f"for {seconds:.0f} s now (seen through {seen.seen_through})."
            )
            if seconds < self._thresholds.drift_seconds:
                undecided[key] = text
                continue
            snapshot = {"key": key, "api_count": api, "redis_count": redis, "seconds": seconds}
            violations.append(Violation("counter_drift", key, text, "warning", snapshot))
        return Finding("counter_drift", tuple(violations), undecided)


def _nodes_suspected(
    seen: Observation,
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Node id: why, for those that are missing, are doubtful, and cannot be judged."""
    missing: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for node in seen.nodes:
        lost = seen.listed and node.state != "Up"
        listed_as = f"it is listed as {node.state}" if node.state else "it is no longer listed"
        if node.health == "refused":
            missing[node.id] = node.why + (f", and {listed_as}" if lost else "")
        elif node.health == "silent" and lost:
            missing[node.id] = f"{node.why}, and {listed_as}"
        elif node.health == "silent" and seen.redis is None:
            doubtful[node.id] = node.why
        elif node.health == "silent":
            # A node waits for its Redis: while that is silent, so may the node be.
            unknown[node.id] = node.why
        elif not seen.listed:
            unknown[node.id] = "no node lists the nodes"
        elif node.state == "Down" and node.redis != "ok":
            # It has no Redis to renew its heartbeat in; that is another violation.
            unknown[node.id] = f"{listed_as}, and says of its Redis: {node.redis}"
        elif node.state == "Down":
            doubtful[node.id] = f"{listed_as}, though its /health answers"
    return missing, doubtful, unknown


def _down(node: Node, why: str) -> Violation:
    snapshot = {"node": node.id, "url": node.url, "state": node.state, "health": node.health}
    return Violation(
        "node_down",
        node.id,
        f"Rate limiter node {node.id} ({node.url}) is down: {why}.",
        "critical",
        snapshot,
    )


def _over_limit(seen: Observation) -> Finding:
    return _of_counters(
        "over_limit",
        seen,
        [
            Violation(
                "over_limit",
                c.key,
                f'Counter "{c.key}" is over its limit: {c.count} requests within '
                f"{c.window_ms / 1000:g} s, the limit is {c.limit} "
                f"(seen through {seen.seen_through}).",
                "critical",
                _figures(c),
            )
            for c in _sound(seen)
            if c.count > c.limit
        ],
    )


def _ghost_allowing(seen: Observation) -> Finding:
    return _of_counters(
        "ghost_allowing",
        seen,
        [
            Violation(
                "ghost_allowing",
                c.key,
                f'Counter "{c.key}" has a limit of 0, yet {c.remaining} more requests would be '
                f"allowed (seen through {seen.seen_through}).",
                "critical",
                _figures(c),
            )
            for c in _sound(seen)
            if c.limit == 0 and c.remaining > 0
        ],
    )


def _of_counters(name: str, seen: Observation, violations: list[Violation]) -> Finding:
    if seen.counters is None:
        return Finding(name, unobserved=seen.no_counters)
    undecided = {c.key: c.error for c in seen.counters if c.error is not None}
    return Finding(name, tuple(violations), undecided)


def _sound(seen: Observation) -> list[Counter]:
    return [counter for counter in seen.counters or () if counter.error is None]


def _figures(counter: Counter) -> dict[str, object]:
    return {
        "key": counter.key,
        "count": counter.count,
        "limit": counter.limit,
        "window_ms": counter.window_ms,
        "remaining": counter.remaining,
    }


def drifting(
    counters: Iterable[Counter], redis_counts: Mapping[str, int], threshold: int
) -> dict[str, tuple[int, int]]:
    """Key: (count of the API, count in Redis), where the two differ by more than `threshold`.

    A counter that one side does not know is 0 there; one the API reports an error for is left out.
    """
    api = {counter.key: counter.count for counter in counters if counter.error is None}
    broken = {counter.key for counter in counters if counter.error is not None}
    pairs = {key: (api.get(key, 0), redis_counts.get(key, 0)) for key in {*api, *redis_counts} - broken}
    return {key: pair for key, pair in sorted(pairs.items()) if abs(pair[0] - pair[1]) > threshold}
