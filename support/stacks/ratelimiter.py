"""The rate limiter stack: a real Redis and three rate limiter nodes, and what they are seen to be.

What is observed comes from the nodes' API and, past it, from Redis itself. The layout of the keys is
that of the operator contract.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self
from urllib.parse import quote

import anyio
import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from support.stacks.control import install as install_stackctl
from support.stacks.links import RateLimiterLinks
from support.stacks.redis_connection import LosableConnection
from support.stacks.redis_witness import witness
from support.stacks.stack import Node, NotSteady, Stack
from support.stay import end
from support.verdict import NotVerified

NODE_NAMES = ("ratelimiter-1", "ratelimiter-2", "ratelimiter-3")

WINDOW_MS = 600_000
"""The window of a limit that a scene sets: ten minutes, which no scenario outlives."""

BASELINE: Mapping[str, tuple[int, int]] = MappingProxyType({"login": (5, 2), "search": (20, 3)})
"""Counters that every scene holds: limit and count, for a window of ten minutes. No fault touches them."""


_AT_ONCE = 500
"""Requests pushed by one command: whoever watches Redis is told of each command in one line of 64 KiB."""

_JOINED = "a stack that was joined has no links of the suite's own; run without -D join and -D project"


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A counter as the API shows it; `window_ms` in milliseconds."""

    key: str
    count: int
    limit: int
    window_ms: int
    remaining: int


class RateLimiterStack(Stack):
    """Redis and the nodes, however they are run; `addresses` are the nodes' URLs by name.

    Nodes reach Redis, and operators reach nodes and Redis, through `links`; the suite looks past them.
    `other_redis` starts an empty Redis and gives its port. A stack that was joined has neither.
    """

    subject = "ratelimiter"

    def __init__(
        self,
        nodes: Mapping[str, Node],
        *,
        addresses: Mapping[str, str],
        redis_url: str,
        links: RateLimiterLinks | None = None,
        other_redis: Callable[[], AbstractAsyncContextManager[int]] | None = None,
        control: Path | None = None,
    ) -> None:
        super().__init__(nodes)
        self.addresses = dict(addresses)
        self.redis_url = redis_url
        self._links = links
        self._other_redis = other_redis
        self._control = control
        self._http = httpx.AsyncClient(timeout=2, verify=False, trust_env=False)  # loopback only
        self.redis: Redis = Redis.from_url(
            redis_url,
            connection_class=LosableConnection,
            decode_responses=True,
            socket_timeout=2,
            socket_connect_timeout=2,
        )

    def install_tools(self, directory: Path) -> None:
        install_stackctl(directory)

    @property
    def environment(self) -> Mapping[str, str]:
        control = {"STACKCTL_SOCKET": str(self._control)} if self._control else {}
        if self._links is None:
            return {"RATELIMITER_URL": self._url, "REDIS_URL": self.redis_url, **control}
        first = next(iter(self._links.to_node.values()))
        return {
            "RATELIMITER_URL": f"http://{first.host}:{first.port}",
            "REDIS_URL": f"redis://{self._links.host}:{self._links.operator_to_redis.port}/0",
            **control,
        }

    @property
    def links(self) -> RateLimiterLinks:
        """The ways between the parts of the stack. Raises NotVerified when they are not the suite's own."""
        if self._links is None:
            raise NotVerified(_JOINED)
        return self._links

    def other_redis(self) -> AbstractAsyncContextManager[int]:
        """Start an empty Redis that is no node of the stack. Raises NotVerified where that cannot be done."""
        if self._other_redis is None:
            raise NotVerified(_JOINED)
        return self._other_redis()

    @property
    def urls(self) -> list[str]:
        """The base URLs of the nodes."""
        return list(self.addresses.values())

    @property
    def _url(self) -> str:
        return next(iter(self.addresses.values()))

    async def watch(self) -> None:
        """Begin to witness changes; Redis must be up."""
        await self._tasks.start(partial(witness, self.redis_url, self.note))

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the connections; the nodes are left to whoever runs them."""
        self._tasks.cancel_scope.cancel()
        await end(self._tasks, error)
        with anyio.CancelScope(shield=True):
            await self._http.aclose()
            await self.redis.aclose()

    async def steady(self, *, within: float) -> None:
        problems = ["nothing was observed yet"]
        with anyio.move_on_after(within):
            while problems := await self.problems():  # noqa: ASYNC110 - a cluster announces nothing
                await anyio.sleep(0.02)
        if problems:
            raise NotSteady(
                f"the rate limiter stack is not in its steady state after {within:g} s: "
                + "; ".join(problems)
            )

    async def problems(self) -> list[str]:
        """What is wrong with the stack at this moment, each in a few words; empty is the steady state."""
        found = [f"{n.name} is {n.state}" for n in self._nodes.values() if n.state != "running"]
        found += [
            f"the link from {link.name} is {link.state}"
            for link in self._links or ()
            if link.state != "whole"
        ]
        try:
            await self.redis.ping()
        except RedisError as error:
            return [*found, f"Redis does not answer: {error}"]
        for name, url in self.addresses.items():
            try:
                health = await self._http.get(f"{url}/health")
                if health.status_code != httpx.codes.OK:
                    found.append(f"{name} says {health.text.strip()}")
                states = {node["id"]: node["state"] for node in (await self._get(url, "/api/nodes"))["nodes"]}
            except (httpx.HTTPError, KeyError, ValueError) as error:
                found.append(f"{name} does not answer: {type(error).__name__} {error}".rstrip())
                continue
            expected = dict.fromkeys(NODE_NAMES, "Up")
            if states != expected:
                found.append(f"{name} sees the nodes as {states}, not {expected}")
        if not found:
            try:
                listed = (await self._get(self._url, "/api/counters"))["counters"]
            except httpx.HTTPError as error:
                return [f"the counters are not shown: {type(error).__name__} {error}".rstrip()]
            found += filter(None, map(_problem, listed))
        return found

    async def without_redis(self) -> list[str]:
        """The nodes that answer and say that they have lost Redis."""
        found = set()

        async def ask(name: str, url: str) -> None:
            with suppress(httpx.HTTPError, ValueError):
                if (await self._http.get(f"{url}/health")).json().get("redis", "ok") != "ok":
                    found.add(name)

        async with anyio.create_task_group() as tasks:  # at once: each may wait for Redis
            for name, url in self.addresses.items():
                tasks.start_soon(ask, name, url)
        return sorted(found)

    async def reset(self) -> None:
        """Empty the counters and limits and put the baseline in their place, by the nodes' own API."""
        await self._delete("ratelimit:*")
        for key, (limit, count) in BASELINE.items():
            await self.set_limit(key, limit, window_ms=WINDOW_MS)
            for _ in range(count):
                await self.check(key)
        self.forget_changes()

    async def check(self, key: str, *, node: str = NODE_NAMES[0]) -> bool:
        """Whether a request for `key` is allowed; raises httpx.HTTPError when nobody decides."""
        answer = await self._http.post(f"{self.addresses[node]}/check", json={"key": key})
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            answer.raise_for_status()
        return answer.is_success

    async def set_limit(self, key: str, limit: int, *, window_ms: int = WINDOW_MS) -> None:
        """Set a limit by the API; `window_ms` in milliseconds."""
        answer = await self._http.put(
            f"{self._url}/api/limits/{quote(key, safe='')}", json={"limit": limit, "window_ms": window_ms}
        )
        answer.raise_for_status()

    async def counters(self) -> dict[str, Counter]:
        """The counters by key, as the first node's API shows them. Raises httpx.HTTPError."""
        return {
            each["key"]: Counter(**{name: each[name] for name in Counter.__dataclass_fields__})
            for each in (await self._get(self._url, "/api/counters"))["counters"]
            if "error" not in each
        }

    async def count(self, key: str) -> int:
        """How many requests Redis itself holds for a key, within the key's window."""
        window_ms = int(await self.redis.hget(f"ratelimit:limit:{key}", "window_ms") or WINDOW_MS)
        seconds, microseconds = await self.redis.time()
        now_ms = seconds * 1000 + microseconds // 1000
        return int(await self.redis.zcount(f"ratelimit:{key}", f"({now_ms - window_ms}", "+inf"))

    async def push(self, key: str, count: int) -> None:
        """Put requests into a counter past the rate limiter, so that it stands at `count`."""
        seconds, microseconds = await self.redis.time()
        now_ms = seconds * 1000 + microseconds // 1000
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.delete(f"ratelimit:{key}")
            for first in range(0, count, _AT_ONCE):
                members = range(first, min(count, first + _AT_ONCE))
                pipe.zadd(f"ratelimit:{key}", {f"pushed-{n}": now_ms for n in members})
            await pipe.execute()

    async def clear(self, key: str) -> None:
        """Empty a counter, past the rate limiter."""
        await self.redis.delete(f"ratelimit:{key}", f"ratelimit:{key}:seq")

    async def state(self) -> dict[str, str]:
        """Everything that this stack is, by name: its nodes, limits and counters, and who is registered."""
        state = {f"node {node.name}": f"{node.state}, {node.incarnation}" for node in self._nodes.values()}
        async for name in self.redis.scan_iter(match="ratelimit:*", count=1000):
            if name.startswith("ratelimit:limit:"):
                fields = await self.redis.hgetall(name)
                key = str(name).removeprefix("ratelimit:limit:")
                state[f"limit of {key}"] = ", ".join(f"{k!s} {v!s}" for k, v in sorted(fields.items()))
            elif not name.endswith(":seq"):
                state[f"counter {str(name).removeprefix('ratelimit:')}"] = await self._held(name)
        for name in await self.node_states():
            state[f"registration of {name}"] = "there"
        return state

    async def _held(self, name: str) -> str:
        kind = await self.redis.type(name)
        return str(await self.redis.zcard(name)) if kind == "zset" else f"a {kind!s}"

    async def node_states(self) -> dict[str, str]:
        """`Up` or `Down` by node, as the first node that answers sees it. Raises NotSteady when none does."""
        for url in self.addresses.values():
            try:
                listed = await self._get(url, "/api/nodes")
            except httpx.HTTPError:
                continue
            return _states(listed)
        raise NotSteady("no rate limiter node answers")

    async def _get(self, url: str, path: str) -> dict[str, list[dict[str, Any]]]:
        answer = await self._http.get(f"{url}{path}")
        answer.raise_for_status()
        body: dict[str, list[dict[str, Any]]] = answer.json()
        return body

    async def _delete(self, pattern: str) -> None:
        names = [name async for name in self.redis.scan_iter(match=pattern, count=1000)]
        if names:
            await self.redis.delete(*names)


def _problem(counter: Mapping[str, Any]) -> str | None:
    """What is wrong with a counter as the API lists it."""
    key = counter["key"]
    if "error" in counter:
        return f"counter {key} cannot be read: {counter['error']}"
    if counter["count"] > counter["limit"]:
        return f"counter {key} stands at {counter['count']} with a limit of {counter['limit']}"
    if counter["limit"] == 0 and counter["remaining"] > 0:
        return f"counter {key} has a limit of 0 and allows {counter['remaining']}"
    return None


def _states(listed: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    return {str(node["id"]): str(node["state"]) for node in listed["nodes"]}
