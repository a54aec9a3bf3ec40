"""Faults of a store's disk."""

from collections.abc import Collection, Sequence

import httpx

from support.faults.fault import Expected
from support.stacks.tikv import TikvStack
from support.verdict import NotVerified


class DiskNearlyFull:
    """Most of a store's disk is used: a sparse file in its data directory counts as used there."""

    def __init__(self, stack: TikvStack, *, store: str, percent: int) -> None:
        self._stack = stack
        self._store = store
        self._percent = percent
        self._id = ""

    @property
    def title(self) -> str:
        return f"the disk of store {self._store} is {self._percent} percent full"

    @property
    def expected(self) -> Expected:
        return Expected(
            invariant="low_disk_space",
            identifier=self._id,
            part=self._store,
            cause=r"\b(disk|space|full)\b",
            remedy=r"\b(free|remov|clean)",
        )

    @property
    def breaks(self) -> Collection[str]:
        return ()

    async def prepare(self) -> None:
        """Learn the id of the store. Raises NotVerified where the disk is that of the whole machine."""
        if self._stack.capacity is None:
            raise NotVerified("filling the disk of a real tikv-server would fill that of this machine")
        self._id = str((await self._stack.pd.stores())[self._store].id)

    async def inject(self) -> None:
        assert self._stack.capacity is not None
        await self._stack.fill_disk(self._store, self._stack.capacity * self._percent // 100)

    async def shown(self) -> bool:
        try:
            return (await self._stack.pd.stores())[self._store].used >= self._percent / 100 - 0.05
        except httpx.HTTPError:
            return False

    async def unrepaired(self) -> Sequence[str]:
        return (self.title,) if await self._stack.disk_filled(self._store) else ()

    async def heal(self) -> None:
        await self._stack.free_disk(self._store)
