"""Faults of PD: a member is lost, or so many that no leader is left."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

import httpx

from support.faults.fault import Expected
from support.stacks.tikv import PD_NAMES, TikvStack

_CAUSE = r"\b(down|dead|died|exit\w*|ended|not running|killed|gone|lost|no leader|unreachable|not started)\b"


class _MembersLost(ABC):
    """PD members that are killed; which ones is decided when the fault is prepared."""

    def __init__(self, stack: TikvStack) -> None:
        self._stack = stack
        self._names: list[str] = []

    @abstractmethod
    async def _choose(self, leader: str) -> list[str]: ...

    @property
    def breaks(self) -> Collection[str]:
        return [f"node {name}" for name in self._names]

    async def prepare(self) -> None:
        """Choose the members by who leads now."""
        self._names = await self._choose(await self._stack.pd.leader())

    async def inject(self) -> None:
        for name in self._names:
            await self._stack.node(name).kill()

    async def unrepaired(self) -> Sequence[str]:
        states = {name: self._stack.node(name).state for name in self._names}
        return [f"node {name} is {state}" for name, state in states.items() if state != "running"]

    async def heal(self) -> None:
        for name in self._names:
            await self._stack.node(name).start()


class _OneLost(_MembersLost):
    @property
    def expected(self) -> Expected:
        name = self._names[0]
        return Expected(
            invariant="pd_member_down", identifier=name, part=name, cause=_CAUSE, remedy=r"\b(re)?start"
        )

    async def shown(self) -> bool:
        try:
            health = {each["name"]: each["health"] for each in await self._stack.pd.get("/health")}
            await self._stack.pd.leader()
        except httpx.HTTPError:
            return False
        return health.get(self._names[0]) is False


class FollowerKilled(_OneLost):
    """A PD member that does not lead is gone from one moment to the next."""

    @property
    def title(self) -> str:
        return "a PD follower is killed"

    async def _choose(self, leader: str) -> list[str]:
        return [next(name for name in PD_NAMES if name != leader)]


class LeaderKilled(_OneLost):
    """The PD leader is gone from one moment to the next; the others elect another one."""

    @property
    def title(self) -> str:
        return "the PD leader is killed"

    async def _choose(self, leader: str) -> list[str]:
        return [leader]


class QuorumLost(_MembersLost):
    """Two PD members are gone; the third cannot lead alone."""

    @property
    def title(self) -> str:
        return "PD loses its quorum"

    @property
    def expected(self) -> Expected:
        return Expected(
            invariant="pd_no_leader",
            identifier=None,
            part="pd",
            cause=_CAUSE,
            remedy=r"\b(re)?start",
        )

    @property
    def keys(self) -> list[str]:
        """The keys of all violations that it makes: no leader, and every member that is lost."""
        return ["pd_no_leader", *(f"pd_member_down:{name}" for name in self._names)]

    async def _choose(self, leader: str) -> list[str]:
        return [leader, next(name for name in PD_NAMES if name != leader)]

    async def shown(self) -> bool:
        try:
            await self._stack.pd.leader()
        except httpx.HTTPError:
            return True
        return False
