"""The ways between the nodes of a TiKV stack, each of which can be cut for one pair of nodes.

Every address that a node advertises is a link of the suite's own. All nodes use the same addresses, so
which of them a connection comes from is told by whose process holds its other end (`/proc`, proc(5)).
"""

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from support.stacks.link import Link

OUTSIDE = "the operator"
"""Whoever is no node: the operator and the commands of its agent. The suite itself passes by the links."""


class TikvLinks:
    """Opens and cuts the links of one stack; `pids` tells the process of each node that runs."""

    def __init__(self, exits: AsyncExitStack, pids: Callable[[], Mapping[str, int]]) -> None:
        self._exits = exits
        self._pids = pids
        self._links: dict[str, list[Link]] = {}
        self._cut: set[frozenset[str]] = set()

    async def open(self, node: str, *, to: int) -> int:
        """Open a link to a port of `node` on 127.0.0.1 and return the port to advertise."""
        link = await self._exits.enter_async_context(Link(f"to {node}", to=to))
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

        async def of(ports: Collection[int]) -> Collection[int]:
            names = await asyncio.to_thread(_sources, ports, dict(self._pids()))
            return {port for port in ports if names.get(port, OUTSIDE) in barred}

        for link in self._links[node]:
            await link.bar(of if barred else None)


def _sources(ports: Collection[int], pids: Mapping[str, int]) -> dict[int, str]:
    """The nodes among those who have a connection from these ports of 127.0.0.1."""
    table = Path("/proc/net/tcp").read_bytes()  # long, where connections come and go fast
    owners = {socket: port for port in ports for socket in _sockets_at(port, table)}
    return {owners[socket]: name for name, pid in pids.items() for socket in owners.keys() & _sockets_of(pid)}


def _sockets_at(port: int, table: bytes) -> Iterator[str]:
    """The sockets on this local port of 127.0.0.1, as links in /proc/PID/fd name them."""
    local = f": 0100007F:{port:04X} ".encode()
    at = table.find(local)
    while at >= 0:
        line = table[at : table.find(b"\n", at)].split()
        yield f"socket:[{line[9].decode()}]"
        at = table.find(local, at + 1)


def _sockets_of(pid: int) -> set[str]:
    found = set()
    directory = f"/proc/{pid}/fd"
    try:
        for descriptor in os.listdir(directory):  # noqa: PTH208 - half the time of Path.iterdir
            found.add(os.readlink(f"{directory}/{descriptor}"))  # noqa: PTH115
    except OSError:
        return found  # it has ended meanwhile
    return found
