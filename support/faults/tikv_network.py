"""Faults on the ways between the nodes of a TiKV stack, and between it and the operator."""

import httpx

from support.faults.fault import Expected, Passing
from support.faults.store import StoreLost
from support.stacks.tikv import PD_NAMES, STORE_NAMES, TikvStack
from support.stacks.tikv_links import OUTSIDE


class StoreCutOffFromPd(StoreLost):
    """PD hears nothing of a store any more, which serves its data all the same."""

    cause = r"\b(disconnected|cut off|lost|unreachable|no heartbeat)\b"

    def __init__(self, stack: TikvStack, *, store: str) -> None:
        super().__init__(stack, store=store)
        self._links = stack.links

    @property
    def title(self) -> str:
        return f"store {self._node.name} is cut off from PD"

    async def inject(self) -> None:
        await self._links.cut(self._node.name, PD_NAMES)

    async def heal(self) -> None:
        await self._links.heal()


class _Passing(Passing):
    def __init__(self, stack: TikvStack) -> None:
        self._links = stack.links

    async def heal(self) -> None:
        await self._links.heal()


class StoreCutOffFromPeers(_Passing):
    """A store does not reach the other stores, nor they it; PD hears of all of them."""

    def __init__(self, stack: TikvStack, *, store: str) -> None:
        super().__init__(stack)
        self._node = stack.node(store)

    @property
    def title(self) -> str:
        return f"store {self._node.name} is cut off from its peers"

    async def inject(self) -> None:
        name = self._node.name
        await self._links.cut(name, [other for other in STORE_NAMES if other != name])


class StoreSlow(_Passing):
    """Everything that is sent to or by a store takes longer."""

    def __init__(self, stack: TikvStack, *, store: str, milliseconds: int) -> None:
        super().__init__(stack)
        self._node = stack.node(store)
        self._milliseconds = milliseconds

    @property
    def title(self) -> str:
        return f"store {self._node.name} answers {self._milliseconds} milliseconds late"

    async def inject(self) -> None:
        self._links.slow_down(self._node.name, self._milliseconds / 1000)


class StoresSlow(_Passing):
    """All stores hear each other late, so that clients wait for what they write."""

    def __init__(self, stack: TikvStack, *, milliseconds: int) -> None:
        super().__init__(stack)
        self._stack = stack
        self._milliseconds = milliseconds

    @property
    def title(self) -> str:
        return f"the stores hear each other {self._milliseconds} milliseconds late"

    expected = Expected(
        invariant="high_latency",
        identifier=None,
        part="stores",
        cause=r"\b(slow|late|latency)\b",
        remedy=r"\b",
    )

    async def inject(self) -> None:
        for store in STORE_NAMES:
            self._links.slow_down(store, self._milliseconds / 1000)

    async def shown(self) -> bool:
        try:
            return await self._stack.latency() * 1000 > self._milliseconds
        except httpx.HTTPError:
            return False


class OperatorBlind(_Passing):
    """The operator reaches no PD member; the cluster itself is well."""

    title = "the operator is cut off from PD"

    async def inject(self) -> None:
        await self._links.cut(OUTSIDE, PD_NAMES)
