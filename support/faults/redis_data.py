"""Faults in what Redis holds for the rate limiter."""

from collections.abc import Mapping

from support.stacks.ratelimiter import RateLimiterStack


class OverLimit:
    """A counter stands above its limit, though no node ever allowed that many requests."""

    def __init__(self, stack: RateLimiterStack, *, key: str, limit: int, by: int) -> None:
        self.key = key
        self.limit = limit
        self.count = limit + by
        self._stack = stack

    @property
    def title(self) -> str:
        return f"counter {self.key} stands at {self.count} with a limit of {self.limit}"

    @property
    def violation(self) -> tuple[str, str | None]:
        return "over_limit", self.key

    async def prepare(self) -> None:
        await self._stack.set_limit(self.key, self.limit)

    async def inject(self) -> None:
        await self._stack.push(self.key, self.count)

    async def shown(self) -> bool:
        counter = (await self._stack.counters()).get(self.key)
        return counter is not None and counter.count > counter.limit

    async def untouched(self) -> Mapping[str, str]:
        state = dict(await self._stack.state())
        state.pop(f"counter {self.key}", None)
        return state

    async def heal(self) -> None:
        await self._stack.clear(self.key)
