"""Every way through a rate limiter stack that a fault can get between, each a link of the suite's own."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from support.stacks.link import Link


@dataclass(frozen=True, kw_only=True)
class RateLimiterLinks:
    """The links of one stack; the suite itself looks past them."""

    to_redis: Mapping[str, Link]
    """From each node, by its name, to Redis."""
    to_node: Mapping[str, Link]
    """From the operator to each node, by the node's name."""
    operator_to_redis: Link
    host: str = "127.0.0.1"
    """The address of this machine at which they are reached."""

    def __iter__(self) -> Iterator[Link]:
        yield from self.to_redis.values()
        yield from self.to_node.values()
        yield self.operator_to_redis


@asynccontextmanager
async def open_links(
    *, redis: int, nodes: Mapping[str, int], host: str = "127.0.0.1"
) -> AsyncIterator[RateLimiterLinks]:
    """Open the links to Redis and to the nodes, which listen or will listen on these ports of 127.0.0.1.

    The links are reached at `host`.
    """
    async with AsyncExitStack() as opened:
        yield RateLimiterLinks(
            to_redis={
                name: await opened.enter_async_context(Link(f"{name} to Redis", to=redis, host=host))
                for name in nodes
            },
            to_node={
                name: await opened.enter_async_context(Link(f"the operator to {name}", to=port, host=host))
                for name, port in nodes.items()
            },
            operator_to_redis=await opened.enter_async_context(
                Link("the operator to Redis", to=redis, host=host)
            ),
            host=host,
        )
