"""The rate limiter: nodes that share their counters in a Redis, seen through their API and Redis.

`watch` is told one node by RATELIMITER_URL, learns the others from it, and goes on with them when
that one is gone. What the API and Redis say goes into an `Observation`; what follows from it is
decided by the pure functions in `ratelimiter_rules`.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from systems.operator.invariants import Finding
from systems.operator.subjects.ratelimiter_rules import (
    Counter,
    Node,
    Observation,
    Rules,
    Thresholds,
    drifting,
)
from systems.operator.subjects.seeing import CannotObserveError, Reply, ask

if TYPE_CHECKING:
    import httpx
    from redis.asyncio import Redis

VARIABLES = ("RATELIMITER_URL", "REDIS_URL")
_NOT_OBSERVED = {"high_latency": "it needs Prometheus, which this monitor does not read"}
CONTEXT = """\
A rate limiter: several nodes (ratelimiter-1, ratelimiter-2, …) that share their counters in one \
Redis (node `redis`). In the shell's environment RATELIMITER_URL is the address of one node and \
REDIS_URL that of Redis.
API of every node, JSON: GET /api/nodes (id, address, state), GET /api/counters (key, count, limit, \
window_ms, remaining), GET /api/limits, GET /api/blocks, GET /health (the node and its Redis), \
POST /api/counters/{key}/reset, PUT /api/limits/{key}. Percent-encode {key}.
Redis: ratelimit:{key} is a sorted set of a key's requests (score: their time in ms), \
ratelimit:limit:{key} a hash with its limit and window_ms, ratelimiter:nodes:{id} a hash that a \
node renews as its heartbeat.
Nodes are controlled with `stackctl ps`, and `stackctl logs|inspect|start|restart|stop NODE`, where \
stackctl is on the PATH; otherwise they are containers of the compose project $COMPOSE_PROJECT_NAME, each \
labelled com.docker.compose.service=NODE, and controlled with `docker ps|logs|inspect|start|restart|stop`."""

_API_SECONDS = 0.9
# A node that waits for a paused Redis says so after a while; that is worth waiting for.
_HEALTH_SECONDS = 1.0
_REDIS_SECONDS = 0.9
# The window of a key that nothing else is known of, in ms.
_DEFAULT_WINDOW_MS = 60_000
_PREFIX = "ratelimit:"


def not_observed(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The invariants that nothing is known about in any environment, and why."""
    del environment
    return _NOT_OBSERVED


@contextlib.asynccontextmanager
async def watch(environment: Mapping[str, str], thresholds: Thresholds) -> AsyncIterator["RatelimiterWatch"]:
    """Observe the rate limiter that `environment` names, until left."""
    import httpx
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    from systems.redis_connection import LosableConnection

    # The cluster is never behind the proxy that the caller's environment may name.
    async with (
        httpx.AsyncClient(trust_env=False, timeout=None) as client,
        Redis.from_url(
            environment["REDIS_URL"],
            connection_class=LosableConnection,
            decode_responses=True,
            encoding_errors="backslashreplace",
            socket_timeout=_REDIS_SECONDS,
            socket_connect_timeout=_REDIS_SECONDS,
            # The next check is the retry.
            retry=Retry(NoBackoff(), 0),
        ) as redis,
    ):
        yield RatelimiterWatch(environment["RATELIMITER_URL"].rstrip("/"), client, redis, thresholds)


class RatelimiterWatch:
    """Looks at one rate limiter, check after check, and remembers the nodes it has met."""

    def __init__(self, url: str, client: "httpx.AsyncClient", redis: "Redis", thresholds: Thresholds) -> None:
        self._url = url
        self._client = client
        self._redis = redis
        self._thresholds = thresholds
        self._rules = Rules(thresholds)
        self._addresses: dict[str, str] = {}  # node id: URL, of every node ever listed

    async def check(self) -> Sequence[Finding]:
        """One look at everything. Raises `CannotObserveError`."""
        at = time.monotonic()
        return self._rules.judge(await self._observe(), at=at)

    async def _observe(self) -> Observation:
        urls = list(dict.fromkeys([self._url, *self._addresses.values()]))
        looks = asyncio.gather(*(self._look_at(url) for url in urls))
        redis, answers = await asyncio.gather(self._redis_trouble(), looks)
        health = {url: health for url, (_, health) in zip(urls, answers, strict=True)}
        told_by, listed = _first_listing(
            {url: listing for url, (listing, _) in zip(urls, answers, strict=True)}
        )
        self._addresses |= {node: url for node, (url, _) in listed.items()}
        await self._refuse_blindness(health, redis)
        new = [url for url in self._addresses.values() if url not in health]
        new_health = await asyncio.gather(*(self._health(url) for url in new))
        health |= zip(new, new_health, strict=True)
        return Observation(
            nodes=tuple(
                _node(node, url, listed.get(node, ("", None))[1], health[url])
                for node, url in sorted(self._addresses.items())
            ),
            listed=told_by is not None,
            redis=redis,
            **await self._observe_counters(told_by, redis),
        )

    async def _refuse_blindness(self, health: Mapping[str, Reply], redis: str | None) -> None:
        kinds = {reply.kind for reply in health.values()}
        if "answered" in kinds:
            return
        tried = "; ".join(reply.why for reply in health.values())
        if not self._addresses:
            raise CannotObserveError(f"no rate limiter node has answered yet ({tried})")
        if redis is not None:
            raise CannotObserveError(f"no rate limiter node answers ({tried}), nor Redis ({redis})")
        if kinds == {"silent"}:
            raise CannotObserveError(f"no rate limiter node answers ({tried})")
        if heard := await self._heartbeats():
            raise CannotObserveError(
                f"no rate limiter node answers ({tried}), though Redis has heartbeats of {', '.join(heard)}"
            )

    async def _heartbeats(self) -> list[str]:
        """The nodes met so far whose heartbeat Redis has; none if Redis does not say."""
        import redis.exceptions

        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                asking = self._redis.pipeline(transaction=False)
                for node in self._addresses:
                    asking.exists(f"ratelimiter:nodes:{node}")
                return [
                    node for node, there in zip(self._addresses, await asking.execute(), strict=True) if there
                ]
        except (TimeoutError, redis.exceptions.RedisError, OSError):
            return []

    async def _observe_counters(self, told_by: str | None, redis: str | None) -> dict[str, Any]:
        """The part of the observation that is about counters."""
        if redis is not None:
            return {"no_counters": "Redis does not answer"}
        if told_by is None:
            return {"no_counters": "no node lists the nodes"}
        counters, why = await self._counters(told_by)
        if counters is None:
            return {"no_counters": why}
        counts = await self._redis_counts({c.key: c.window_ms for c in counters})
        again: dict[str, int] | None = None
        if counts is not None and drifting(counters, counts, self._thresholds.drift):
            counters_again, _ = await self._counters(told_by)
            if counters_again is not None:
                again = {c.key: c.count for c in counters_again}
        return {
            "counters": counters,
            "redis_counts": counts,
            "counts_again": again,
            "seen_through": told_by,
        }

    async def _look_at(self, url: str) -> tuple[Reply, Reply]:
        listing, health = await asyncio.gather(
            ask(self._client, f"{url}/api/nodes", seconds=_API_SECONDS), self._health(url)
        )
        return listing, health

    async def _health(self, url: str) -> Reply:
        return await ask(self._client, f"{url}/health", seconds=_HEALTH_SECONDS)

    async def _counters(self, url: str) -> tuple[tuple[Counter, ...] | None, str]:
        reply = await ask(self._client, f"{url}/api/counters", seconds=_API_SECONDS)
        if reply.kind != "answered" or reply.status != HTTPStatus.OK:
            return None, reply.why or f"{url}/api/counters answered {reply.status}"
        try:
            return tuple(_counter(entry) for entry in _entries(reply.body, "counters")), ""
        except (KeyError, TypeError, ValueError) as error:
            return None, f"{url}/api/counters cannot be understood: {error!r}"

    async def _redis_trouble(self) -> str | None:
        """What is wrong with Redis; None if it answers."""
        import redis.exceptions

        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                await self._redis.ping()
        except TimeoutError:
            return f"no answer within {_REDIS_SECONDS:g} s"
        except (redis.exceptions.RedisError, OSError) as error:
            return str(error) or type(error).__name__
        return None

    async def _redis_counts(self, windows: Mapping[str, int]) -> dict[str, int] | None:
        """Key: requests within the key's window, of all keys that Redis knows; None: not readable.

        `windows` has the windows the API told, in ms.
        """
        import redis.exceptions

        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                keys = [
                    str(name).removeprefix(_PREFIX)
                    async for name in self._redis.scan_iter(f"{_PREFIX}*", count=1000, _type="zset")
                ]
                unknown = [key for key in keys if key not in windows]
                asking = self._redis.pipeline(transaction=False)
                for key in unknown:
                    asking.hget(f"{_PREFIX}limit:{key}", "window_ms")
                asking.time()
                *stored, (seconds, micros) = await asking.execute()
                now_ms = seconds * 1000 + micros // 1000
                spans = {**dict(zip(unknown, map(_window, stored), strict=True)), **windows}
                for key in keys:
                    asking.zcount(f"{_PREFIX}{key}", f"({now_ms - spans[key]}", "+inf")
                return dict(zip(keys, await asking.execute(), strict=True))
        except (TimeoutError, redis.exceptions.RedisError, OSError):
            return None


def _first_listing(
    listings: Mapping[str, Reply],
) -> tuple[str | None, dict[str, tuple[str, str]]]:
    """The first node that lists the nodes, and what it lists, as node id: (URL, state)."""
    for url, reply in listings.items():
        if reply.kind != "answered" or reply.status != HTTPStatus.OK:
            continue
        try:
            return url, {
                _text(entry["id"]): (f"http://{entry['address']}", str(entry["state"]))
                for entry in _entries(reply.body, "nodes")
            }
        except (KeyError, TypeError):
            continue
    return None, {}


def _node(node: str, url: str, state: str | None, reply: Reply) -> Node:
    if reply.kind != "answered":
        return Node(node, url, reply.kind, state, why=reply.why)
    redis = reply.body.get("redis") if isinstance(reply.body, Mapping) else None
    if not isinstance(redis, str):
        return Node(node, url, "silent", state, why=f"{url}/health answered {reply.body!r}")
    return Node(node, url, "alive", state, redis=redis)


def _entries(body: object, name: str) -> list[Mapping[str, Any]]:
    entries = body[name] if isinstance(body, Mapping) else None
    if not isinstance(entries, list):
        raise TypeError(f"no list {name!r} in {body!r:.200}")
    return entries


def _counter(entry: Mapping[str, Any]) -> Counter:
    if "error" in entry:
        return Counter(_text(entry["key"]), error=_text(entry["error"]))
    count, limit, window_ms, remaining = (
        int(entry[name]) for name in ("count", "limit", "window_ms", "remaining")
    )
    return Counter(_text(entry["key"]), count, limit, window_ms, remaining)


def _text(value: object) -> str:
    """A name as UTF-8 can hold it: JSON may bring halves of surrogate pairs."""
    return str(value).encode(errors="backslashreplace").decode()


def _window(stored: object) -> int:
    text = str(stored)
    return int(text) if text.isdecimal() else _DEFAULT_WINDOW_MS
