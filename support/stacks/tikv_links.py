"""The ways between the nodes of a TiKV stack, each of which can be cut for one pair of nodes.

Every address that a node advertises is a link of the suite's own. All nodes use the same addresses, so
which of them a connection comes from is told by its other end.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from support.stacks.link import Link

OUTSIDE = "the operator"
"""Whoever is no node: the operator and the commands of its agent. The suite itself passes by the links."""


class TikvLinks:
    """Opens and cuts the links of one stack, which are reached at `host`.

    `source` tells from which node a connection comes, by the address and port at its other end, or OUTSIDE.
    """

    def __init__(
        self, exits: AsyncExitStack, source: Callable[[tuple[str, int]], str], *, host: str = "127.0.0.1"
    ) -> None:
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

    def cut(self, name: str, others: Iterable[str]) -> None:
        """Let nothing pass between `name` and the others, nodes or OUTSIDE: connections are reset."""
        self._cut |= {frozenset({name, other}) for other in others}
        for node in self._links:
            self._bar(node)

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

    def _bar(self, node: str) -> None:
        barred = {name for pair in self._cut if node in pair for name in pair - {node}}
        for link in self._links[node]:
            link.bar((lambda end: self._source(end) in barred) if barred else None)


def by_process(pids: Callable[[], Mapping[str, int]]) -> Callable[[tuple[str, int]], str]:
    """Tell from which node a connection comes by whose process holds its other end (`/proc`, proc(5)).

    `pids` tells the process of each node that runs.
    """

    def source(end: tuple[str, int]) -> str:
        sockets = _sockets_at(end[1])
        for name, pid in pids().items():
            if sockets & _sockets_of(pid):
                return name
        return OUTSIDE

    return source


def _sockets_at(port: int) -> set[str]:
    """The sockets on this local port of 127.0.0.1, as links in /proc/PID/fd name them."""
    local = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return {f"socket:[{fields[9]}]" for line in lines if (fields := line.split())[1] == local}


def _sockets_of(pid: int) -> set[str]:
    found = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:"):
                found.add(target)
    except OSError:
        return found  # it has ended meanwhile
    return found
