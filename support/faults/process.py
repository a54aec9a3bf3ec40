"""Faults in the processes of nodes: killed, stopped, paused, and dying whenever they are started."""

import socket
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from support.faults.fault import Expected
from support.stacks.ratelimiter import RateLimiterStack

_REDIS = "redis"


class NodeLost(ABC):
    """A node that gives no service any more; `node` is its name, Redis included."""

    def __init__(self, stack: RateLimiterStack, *, node: str) -> None:
        self._stack = stack
        self._node = stack.node(node)

    @property
    @abstractmethod
    def title(self) -> str: ...

    @property
    def expected(self) -> Expected:
        of_redis = self._node.name == _REDIS
        return Expected(
            invariant="redis_disconnected" if of_redis else "node_down",
            identifier=None if of_redis else self._node.name,
            part=self._node.name,
            cause=r"\b(down|dead|died|dies|exit\w*|ended|not running|stopped|killed|gone|crash\w*|paused"
            r"|hang\w*|lost|unreachable|unresponsive|silent|(does|did) not answer|no answer|not started)\b",
            remedy=r"\b(re)?start",
        )

    @property
    def breaks(self) -> Collection[str]:
        return (f"node {self._node.name}",)

    async def prepare(self) -> None:
        """Nothing: the node runs already."""
        return

    @abstractmethod
    async def inject(self) -> None: ...

    async def shown(self) -> bool:
        if self._node.name == _REDIS:
            return len(await self._stack.without_redis()) == len(self._stack.addresses)
        return (await self._stack.node_states()).get(self._node.name) != "Up"

    async def unrepaired(self) -> Sequence[str]:
        if self._node.state != "running":
            return (f"node {self._node.name} is {self._node.state}",)
        return (f"node {self._node.name} gives no service",) if await self.shown() else ()

    async def heal(self) -> None:
        if self._node.state == "paused":
            await self._node.resume()
        await self._node.start()


class NodeKilled(NodeLost):
    """A node is gone from one moment to the next, without a word."""

    @property
    def title(self) -> str:
        return f"node {self._node.name} is killed"

    async def inject(self) -> None:
        await self._node.kill()


class NodeStopped(NodeLost):
    """A node was told to leave, and left in good order."""

    @property
    def title(self) -> str:
        return f"node {self._node.name} is stopped"

    async def inject(self) -> None:
        await self._node.stop()


class NodePaused(NodeLost):
    """A node is there and does nothing: what is asked of it waits for ever."""

    @property
    def title(self) -> str:
        return f"node {self._node.name} is paused"

    async def inject(self) -> None:
        await self._node.pause()


class CrashLoop(NodeLost):
    """A node dies, and dies again whenever it is started: something else listens on its port."""

    def __init__(self, stack: RateLimiterStack, *, node: str) -> None:
        super().__init__(stack, node=node)
        self._taken: socket.socket | None = None

    @property
    def title(self) -> str:
        return f"node {self._node.name} dies whenever it is started"

    async def inject(self) -> None:
        await self._node.kill()
        port = urlsplit(self._stack.addresses[self._node.name]).port
        assert port is not None
        self._taken = socket.create_server(("127.0.0.1", port), backlog=0)

    async def heal(self) -> None:
        if self._taken is not None:
            self._taken.close()
        await super().heal()
