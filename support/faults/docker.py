"""Faults that only containers can have."""

from support.faults.process import NodeLost
from support.stacks.ratelimiter import RateLimiterStack
from support.verdict import NotVerified


class OffNetwork(NodeLost):
    """A node runs and is on no network any more: nobody reaches it, and it reaches nobody."""

    def __init__(self, stack: RateLimiterStack, *, node: str) -> None:
        super().__init__(stack, node=node)
        network = getattr(stack, "network", None)
        if network is None:
            raise NotVerified("only a container can be taken off its network; run with -D stack=docker")
        self._network: str = network.name

    @property
    def title(self) -> str:
        return f"node {self._node.name} is taken off its network"

    async def inject(self) -> None:
        await self._node.leave(self._network)  # type: ignore[attr-defined]

    async def heal(self) -> None:
        await self._node.join(self._network)  # type: ignore[attr-defined]
        await super().heal()
