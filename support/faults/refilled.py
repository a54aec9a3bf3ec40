"""A fault that comes back: whatever empties the counter, something fills it past its limit again."""

import asyncio

from support.faults.redis_data import OverLimit

_LOOK_EVERY = 0.01


class RefilledOverLimit(OverLimit):
    """A counter stands above its limit, and stands there again some 10 ms after each reset."""

    _refilling: "asyncio.Task[None] | None" = None
    _wanted = False

    @property
    def title(self) -> str:
        return f"{super().title} and is filled again whenever it is reset"

    async def inject(self) -> None:
        await super().inject()
        self._wanted = True
        self._refilling = asyncio.create_task(self._refill())

    async def heal(self) -> None:
        # Not cancelled: a Redis client that is cancelled in the middle of a command is of no use afterwards.
        self._wanted = False
        if self._refilling is not None:
            await self._refilling
            self._refilling = None
        await super().heal()

    async def _refill(self) -> None:
        while self._wanted:
            if await self._stack.count(self._key) <= self._limit:
                await self._stack.push(self._key, self._count)
            await asyncio.sleep(_LOOK_EVERY)
