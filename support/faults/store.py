"""Faults of TiKV stores: killed, stopped, paused, and dying whenever they are started."""

import socket
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

import httpx

from support.faults.fault import Expected
from support.stacks.tikv import TikvStack


class StoreLost(ABC):
    """A store that PD does not see any more; `store` is the name of its node."""

    cause = (
        r"\b(down|dead|died|dies|exit\w*|ended|not running|stopped|killed|gone|crash\w*|paused"
        r"|hang\w*|lost|unreachable|unresponsive|silent|disconnected|no heartbeat|not started)\b"
    )

    def __init__(self, stack: TikvStack, *, store: str) -> None:
        self._stack = stack
        self._node = stack.node(store)
        self._id = ""

    @property
    @abstractmethod
    def title(self) -> str: ...

    @property
    def expected(self) -> Expected:
        return Expected(
            invariant="store_down",
            identifier=self._id,
            part=self._node.name,
            cause=self.cause,
            remedy=r"\b(re)?start",
        )

    @property
    def breaks(self) -> Collection[str]:
        return (f"node {self._node.name}",)

    async def prepare(self) -> None:
        """Learn the id under which PD knows the store."""
        self._id = str((await self._stack.pd.stores())[self._node.name].id)

    @abstractmethod
    async def inject(self) -> None: ...

    async def shown(self) -> bool:
        try:
            return (await self._stack.pd.stores())[self._node.name].state_name != "Up"
        except httpx.HTTPError:
            return False

    async def unrepaired(self) -> Sequence[str]:
        if self._node.state != "running":
            return (f"node {self._node.name} is {self._node.state}",)
        return (f"PD does not call {self._node.name} Up",) if await self.shown() else ()

    async def heal(self) -> None:
        if self._node.state == "paused":
            await self._node.resume()
        await self._node.start()


class StoreKilled(StoreLost):
    """A store is gone from one moment to the next, without a word."""

    @property
    def title(self) -> str:
        return f"store {self._node.name} is killed"

    async def inject(self) -> None:
        await self._node.kill()


class StoreStopped(StoreLost):
    """A store was told to leave, handed its leaders on, and left."""

    @property
    def title(self) -> str:
        return f"store {self._node.name} is stopped"

    async def inject(self) -> None:
        await self._node.stop()


class StorePaused(StoreLost):
    """A store is there and does nothing: what is asked of it waits for ever."""

    @property
    def title(self) -> str:
        return f"store {self._node.name} is paused"

    async def inject(self) -> None:
        await self._node.pause()


class StoreCrashLoop(StoreLost):
    """A store dies, and dies again whenever it is started: something else listens on its port."""

    _taken: socket.socket | None = None

    @property
    def title(self) -> str:
        return f"store {self._node.name} dies whenever it is started"

    async def inject(self) -> None:
        await self._node.kill()
        host, port = self._stack.addresses[self._node.name].split(":")
        self._taken = socket.create_server((host, int(port)), backlog=0)

    async def heal(self) -> None:
        if self._taken is not None:
            self._taken.close()
        await super().heal()
