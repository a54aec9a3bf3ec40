"""The ways between the nodes of a TiKV stack, each of which can be cut for one pair of nodes.

Every address that a node advertises is a link of the suite's own. All nodes use the same addresses, so
which of them a connection comes from is told by its other end.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial

from support.stacks.link import End, Link
from support.stacks.sockets import holds, inode_of

OUTSIDE = "the operator"
"""Whoever is no node: the operator and the commands of its agent. The suite itself passes by the links."""

Source = Callable[[End, End], str]
"""Tells from which node a connection comes, or OUTSIDE, by its other end and the link that it comes to. It is
asked in a thread of its own."""


class TikvLinks:
    """Opens and cuts the links of one stack, which are reached at `host`."""

    def __init__(self, exits: AsyncExitStack, source: Source, *, host: str = "127.0.0.1") -> None:
        self._exits = exits
        self._source = source
        self._host = host
        self._links: dict[str, list[Link]] = {}
        self._cut: set[frozenset[str]] = set()

    async def open(self, node: str, *, to: int) -> int:
        """Open a link to a port of `node` on 127.0.0.1 and return the port to advertise."""
        link = await self._exits.enter_async_context(Link(f"to {node}", to=to, host=self._host))
        self._links.setdefault(node, []).append(link)
        return link.port

    async def cut(self, name: str, others: Iterable[str]) -> None:
        """Let nothing pass between `name` and the others, nodes or OUTSIDE: connections are reset."""
        self._cut |= {frozenset({name, other}) for other in others}
        for node in self._links:
            await self._bar(node)

    def slow_down(self, node: str, seconds: float) -> None:
        """Let everything that is sent to or by `node` over its own addresses take so many seconds longer."""
        for link in self._links[node]:
            link.slow_down(seconds)

    async def heal(self) -> None:
        """Let everything pass again."""
        self._cut.clear()
        for links in self._links.values():
            for link in links:
                await link.heal()

    async def _bar(self, node: str) -> None:
        barred = {name for pair in self._cut if node in pair for name in pair - {node}}
        for link in self._links[node]:
            await link.bar(partial(self._barred_ones, barred, (self._host, link.port)) if barred else None)

    async def _barred_ones(self, barred: set[str], link: End, ends: Collection[End]) -> Collection[End]:
        return await asyncio.to_thread(lambda: {end for end in ends if self._source(end, link) in barred})


def by_process(pids: Callable[[], Mapping[str, int]]) -> Source:
    """Tell from which node a connection comes by whose process holds its other end.

    `pids` tells the process of each node that runs.
    """

    def source(end: End, link: End) -> str:
        inode = inode_of(end, link)
        for name, pid in dict(pids()).items():
            if inode is not None and holds(pid, inode):
                return name
        return OUTSIDE

    return source
