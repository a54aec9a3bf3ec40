"""Faults in the processes of a stack's nodes."""

from collections.abc import Mapping

from support.stacks.ratelimiter import RateLimiterStack


class NodeKilled:
    """A rate limiter node is gone from one moment to the next, without a word."""

    def __init__(self, stack: RateLimiterStack, *, node: str) -> None:
        self._stack = stack
        self._node = stack.node(node)

    @property
    def title(self) -> str:
        return f"node {self._node.name} is killed"

    @property
    def violation(self) -> tuple[str, str | None]:
        return "node_down", self._node.name

    async def prepare(self) -> None:
        """The node runs already."""

    async def inject(self) -> None:
        await self._node.kill()

    async def shown(self) -> bool:
        return (await self._stack.node_states()).get(self._node.name) != "Up"

    async def untouched(self) -> Mapping[str, str]:
        state = dict(await self._stack.state())
        del state[f"node {self._node.name}"]
        return state

    async def heal(self) -> None:
        await self._node.start()
