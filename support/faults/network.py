"""Faults on the ways between the parts of a stack: cut, slow, reset, and leading to the wrong place."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack

import anyio
from redis.asyncio import Redis

from support.faults.fault import Expected, Passing
from support.stacks.link import Link
from support.stacks.ratelimiter import RateLimiterStack
from support.stacks.stack import Node
from support.verdict import BrokenBed

_NOWHERE = 1
"""The port tcpmux, which nobody offers: connections to it are refused."""


class NodeCutOff:
    """A node has lost its way to Redis, and nothing else; others reach Redis, and all reach the node.

    `until_restarted`: the way is lost for the running process only, as when it clings to an address that
    was right once; a new process finds it. Otherwise no restart helps.
    """

    def __init__(self, stack: RateLimiterStack, *, node: str, until_restarted: bool = False) -> None:
        self._stack = stack
        self._node = stack.node(node)
        self._link = stack.links.to_redis[node]
        self._until_restarted = until_restarted

    @property
    def title(self) -> str:
        until = " until it is restarted" if self._until_restarted else ""
        return f"node {self._node.name} is cut off from Redis{until}"

    @property
    def expected(self) -> Expected:
        return Expected(
            invariant="redis_disconnected",
            identifier=None,
            part=self._node.name,
            cause=r"\b(unreachable|lost|cut off|(can ?not|does not) reach|disconnected|no connection)\b",
            remedy=r"\brestart",
        )

    @property
    def breaks(self) -> Collection[str]:
        return (f"node {self._node.name}",)

    async def prepare(self) -> None:
        """The link is there already."""

    async def inject(self) -> None:
        if self._until_restarted:
            self._link.divert(_NOWHERE, as_long_as=_not_restarted(self._node))
        else:
            await self._link.cut(hanging=False)

    async def shown(self) -> bool:
        return self._node.name in await self._stack.without_redis()

    async def unrepaired(self) -> Sequence[str]:
        return (self.title,) if await self.shown() else ()

    async def heal(self) -> None:
        await self._link.heal()


class _Passing(Passing):
    def __init__(self, links: Sequence[Link]) -> None:
        self._links = links

    async def heal(self) -> None:
        for link in self._links:
            await link.heal()


class ConnectionsReset(_Passing):
    """Every connection between nodes, Redis and operator is reset once."""

    title = "all connections are reset"

    def __init__(self, stack: RateLimiterStack) -> None:
        super().__init__(tuple(stack.links))

    async def inject(self) -> None:
        for link in self._links:
            link.reset()


class Slow(_Passing):
    """On every link everything takes so many milliseconds longer, each way."""

    def __init__(self, stack: RateLimiterStack, *, milliseconds: int) -> None:
        super().__init__(tuple(stack.links))
        self._milliseconds = milliseconds

    @property
    def title(self) -> str:
        return f"every answer takes {2 * self._milliseconds} ms longer on each link"

    async def inject(self) -> None:
        for link in self._links:
            link.slow_down(self._milliseconds / 1000)


class OperatorCutOff(_Passing):
    """The operator has lost its way to the API, to Redis, or to both; the rate limiter is as it was."""

    def __init__(self, stack: RateLimiterStack, *, what: str, hanging: bool) -> None:
        api = tuple(stack.links.to_node.values())
        redis = (stack.links.operator_to_redis,)
        ways: Mapping[str, Sequence[Link]] = {"the API": api, "Redis": redis, "both": (*api, *redis)}
        if what not in ways:
            raise BrokenBed(f"the operator cannot be cut off from {what}, but from {', '.join(ways)}")
        super().__init__(ways[what])
        self._what = what
        self._hanging = hanging

    @property
    def title(self) -> str:
        return f"the operator is cut off from {self._what}"

    async def inject(self) -> None:
        for link in self._links:
            await link.cut(hanging=self._hanging)


class NodesAstray:
    """All nodes work on a Redis that is not theirs: a copy that goes its own way from now on.

    They were led to it once and keep to it until they are restarted, as with an address that they looked
    up when it was wrong. What they count since, the real Redis does not know.
    """

    def __init__(self, stack: RateLimiterStack, *, key: str, limit: int, requests: int) -> None:
        self._stack = stack
        self._key = key
        self._limit = limit
        self._requests = requests
        self._opened = AsyncExitStack()

    @property
    def title(self) -> str:
        return f"the nodes have counted {self._requests} requests for {self._key} that Redis does not know of"

    @property
    def expected(self) -> Expected:
        return Expected(
            invariant="counter_drift",
            identifier=self._key,
            part=self._key,
            cause=r"\b(drift\w*|differ\w*|disagree\w*|(not|none|no) (know|hold|of the)|another redis)",
            remedy=r"\b(restart|reconnect)",
        )

    @property
    def breaks(self) -> Collection[str]:
        return *(f"node {name}" for name in self._stack.addresses), f"counter {self._key}"

    async def prepare(self) -> None:
        await self._stack.set_limit(self._key, self._limit)
        self._copy = await self._opened.enter_async_context(self._stack.other_redis())

    async def inject(self) -> None:
        await _copy_all(self._stack.redis_url, f"redis://127.0.0.1:{self._copy}/0")
        for name, link in self._stack.links.to_redis.items():
            link.divert(self._copy, as_long_as=_not_restarted(self._stack.node(name)))
        while await self._stack.without_redis():  # noqa: ASYNC110 - they reconnect by themselves
            await anyio.sleep(0.01)
        # Their heartbeats are renewed in the copy alone; here they would run out a moment later.
        await self._stack.redis.delete(*(f"ratelimiter:nodes:{name}" for name in self._stack.addresses))
        for _ in range(self._requests):
            await self._stack.check(self._key)

    async def shown(self) -> bool:
        return await self._stack.count(self._key) != await self._count_of_the_api()

    async def unrepaired(self) -> Sequence[str]:
        wrong = []
        before = await self._stack.count(self._key)
        for node in self._stack.addresses:
            await self._stack.check(self._key, node=node)
        held, shown = await self._stack.count(self._key), await self._count_of_the_api()
        if held != before + len(self._stack.addresses):
            wrong.append(f"not every node counts in Redis: it holds {held} requests for {self._key}")
        if held != shown:
            wrong.append(f"the API shows {shown} requests for {self._key}, Redis holds {held}")
        return wrong

    async def heal(self) -> None:
        try:
            for link in self._stack.links.to_redis.values():
                await link.heal()
            await self._stack.clear(self._key)
        finally:
            with anyio.CancelScope(shield=True):
                await self._opened.aclose()

    async def _count_of_the_api(self) -> int:
        counter = (await self._stack.counters()).get(self._key)
        return counter.count if counter else 0


def _not_restarted(node: Node) -> Callable[[], bool]:
    """Whether the process of a node is still the one of this moment."""
    present = node.incarnation
    return lambda: node.incarnation == present


async def _copy_all(source: str, target: str) -> None:
    async with Redis.from_url(source) as real, Redis.from_url(target) as copy:
        async for name in real.scan_iter(match="ratelimit*", count=1000):
            value, ttl = await real.dump(name), await real.pttl(name)
            if value is not None:
                await copy.restore(name, max(0, ttl), value, replace=True)
