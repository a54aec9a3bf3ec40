"""Faults on the ways between the nodes of a TiKV stack, and between it and the operator."""

from collections.abc import Collection, Sequence

import httpx

from support.faults.fault import Expected
from support.stacks.tikv import PD_NAMES, STORE_NAMES, TikvStack
from support.stacks.tikv_links import OUTSIDE


class StoreCutOffFromPd:
    """PD hears nothing of a store any more, which serves its data all the same."""

    def __init__(self, stack: TikvStack, *, store: str) -> None:
        self._stack = stack
        self._links = stack.links
        self._node = stack.node(store)
        self._id = ""

    @property
    def title(self) -> str:
        return f"store {self._node.name} is cut off from PD"

    @property
    def expected(self) -> Expected:
        return Expected(
            invariant="store_down",
            identifier=self._id,
            part=self._node.name,
            cause=r"\b(disconnected|cut off|lost|unreachable|no heartbeat)\b",
            remedy=r"\b(re)?start",
        )

    @property
    def breaks(self) -> Collection[str]:
        return (f"node {self._node.name}",)

    async def prepare(self) -> None:
        """Learn the id under which PD knows the store."""
        self._id = str((await self._stack.pd.stores())[self._node.name].id)

    async def inject(self) -> None:
        await self._links.cut(self._node.name, PD_NAMES)

    async def shown(self) -> bool:
        try:
            return (await self._stack.pd.stores())[self._node.name].state_name != "Up"
        except httpx.HTTPError:
            return False

    async def unrepaired(self) -> Sequence[str]:
        return (f"PD does not call {self._node.name} Up",) if await self.shown() else ()

    async def heal(self) -> None:
        await self._links.heal()


class _Passing:
    """Something that happens to the ways and breaks no part of the stack."""

    expected: Expected | None = None
    breaks: Collection[str] = ()

    def __init__(self, stack: TikvStack) -> None:
        self._links = stack.links

    async def prepare(self) -> None:
        """The links are there already."""

    async def shown(self) -> bool:
        return True

    async def unrepaired(self) -> Sequence[str]:
        return ()

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
