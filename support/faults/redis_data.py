"""Faults in what Redis holds for the rate limiter."""

from collections.abc import Collection, Sequence

from support.faults.fault import Expected
from support.stacks.ratelimiter import WINDOW_MS, RateLimiterStack


class OverLimit:
    """A counter stands above its limit, though no node ever allowed that many requests."""

    def __init__(self, stack: RateLimiterStack, *, key: str, limit: int, by: int) -> None:
        self._stack = stack
        self._key = key
        self._limit = limit
        self._count = limit + by

    @property
    def title(self) -> str:
        return f"counter {self._key} stands at {self._count} with a limit of {self._limit}"

    @property
    def expected(self) -> Expected:
        return Expected(
            invariant="over_limit",
            identifier=self._key,
            part=self._key,
            cause=r"\b(over|above|exceed\w*|beyond|more than)\b.*\blimit",
            remedy=r"\b(reset|clear|delet|remov|empt|drain|drop)",
        )

    @property
    def breaks(self) -> Collection[str]:
        return (f"counter {self._key}",)

    async def prepare(self) -> None:
        await self._stack.set_limit(self._key, self._limit)

    async def inject(self) -> None:
        await self._stack.push(self._key, self._count)

    async def shown(self) -> bool:
        counter = (await self._stack.counters()).get(self._key)
        return counter is not None and counter.count > counter.limit

    async def unrepaired(self) -> Sequence[str]:
        wrong = []
        counter = (await self._stack.counters()).get(self._key)
        if counter is None or counter.limit != self._limit or counter.count > self._limit:
            wrong.append(f"the API shows {counter}, not a counter within its limit of {self._limit}")
        held = await self._stack.count(self._key)
        if held > self._limit:
            wrong.append(f"Redis holds {held} requests for counter {self._key}, its limit is {self._limit}")
        return wrong

    async def heal(self) -> None:
        await self._stack.clear(self._key)


class GhostAllowing:
    """A key with a limit of 0 is allowed all the same: an exception granted by hand outlived its limit.

    The exception is the field `burst` of the stored limit, which no endpoint of the API writes.
    """

    def __init__(self, stack: RateLimiterStack, *, key: str, burst: int = 5) -> None:
        self._stack = stack
        self._key = key
        self._burst = burst
        self._stored = f"ratelimit:limit:{key}"

    @property
    def title(self) -> str:
        return f"key {self._key} has a limit of 0 and is allowed {self._burst} requests"

    @property
    def expected(self) -> Expected:
        return Expected(
            invariant="ghost_allowing",
            identifier=self._key,
            part=self._key,
            cause=r"\b(allow|admit|permit|remain|let)",
            remedy=r"\b(burst|limit|exception|remov|stor|writ|set)",
        )

    @property
    def breaks(self) -> Collection[str]:
        return f"limit of {self._key}", f"counter {self._key}"

    async def prepare(self) -> None:
        await self._stack.set_limit(self._key, 0)

    async def inject(self) -> None:
        await self._stack.redis.hset(self._stored, "burst", str(self._burst))

    async def shown(self) -> bool:
        counter = (await self._stack.counters()).get(self._key)
        return counter is not None and counter.limit == 0 and counter.remaining > 0

    async def unrepaired(self) -> Sequence[str]:
        stored = dict(await self._stack.redis.hgetall(self._stored))
        wrong = []
        if stored.pop("burst", "0") != "0" or stored != {"limit": "0", "window_ms": str(WINDOW_MS)}:
            wrong.append(f"the limit of {self._key} is {stored}, not 0 in {WINDOW_MS} ms without exceptions")
        if await self._stack.check(self._key):
            wrong.append(f"a request for {self._key} is allowed")
        return wrong

    async def heal(self) -> None:
        await self._stack.redis.delete(self._stored)
        await self._stack.clear(self._key)


class WrongType:
    """What lies in the place of a counter is no counter. It violates no invariant: nobody can tell."""

    expected = None

    def __init__(self, stack: RateLimiterStack, *, key: str) -> None:
        self._stack = stack
        self._key = key

    @property
    def title(self) -> str:
        return f"counter {self._key} holds something that is no counter"

    @property
    def breaks(self) -> Collection[str]:
        return (f"counter {self._key}",)

    async def prepare(self) -> None:
        await self._stack.set_limit(self._key, 10)

    async def inject(self) -> None:
        await self._stack.redis.set(f"ratelimit:{self._key}", "not a counter")

    async def shown(self) -> bool:
        return any(self._key in problem for problem in await self._stack.problems())

    async def unrepaired(self) -> Sequence[str]:
        return (self.title,) if await self.shown() else ()

    async def heal(self) -> None:
        await self._stack.clear(self._key)
