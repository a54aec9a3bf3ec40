"""What every stack and every node can do, whatever they are made of.

A stack is one running instance of a subject, made of nodes. It knows its own steady state, tells what
must stay untouched while a fault is repaired, and witnesses every change that is made to it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from support.verdict import BrokenBed


class NotSteady(Exception):
    """The stack is not in its steady state; the message says what is wrong."""


class Node(Protocol):
    """One member of a stack. Every method returns when the node is in the state that it names."""

    @property
    def name(self) -> str: ...

    @property
    def state(self) -> str:
        """`running`, `paused`, `exited` or `not started`."""
        ...

    @property
    def incarnation(self) -> str:
        """What tells this run of the node from the one after a restart."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def kill(self) -> None: ...

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    def logs(self, lines: int) -> list[str]: ...

    def inspect(self) -> Mapping[str, object]: ...


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change made to a stack by somebody: when (seconds since the epoch) and what."""

    wall: float
    what: str


class Stack(ABC):
    """One running instance of a subject."""

    subject: str
    substitutes: tuple[str, ...] = ()
    """What stands in for the real thing here, as the verdict names it."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = dict(nodes)
        self._changes: list[Change] = []

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes by name, in the order they are started."""
        return self._nodes

    def node(self, name: str) -> Node:
        """The node of this name. Raises BrokenBed when there is none: a feature names one that is not."""
        try:
            return self._nodes[name]
        except KeyError:
            raise BrokenBed(f"there is no node {name}; there are {', '.join(self._nodes)}") from None

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change made from outside since the stack was last reset, oldest first."""
        return tuple(sorted(self._changes, key=lambda change: change.wall))

    def note(self, change: Change) -> None:
        """Add a change that somebody witnessed."""
        self._changes.append(change)

    def forget_changes(self) -> None:
        """Begin anew: what was witnessed so far does not count any more."""
        self._changes.clear()

    @property
    def trouble(self) -> str | None:
        """What broke by itself, so that nothing can be said of the operator any more; None is nothing."""
        return None

    @property
    def settles_within(self) -> float:
        """Seconds that it has to reach its steady state, from nothing or after a change."""
        return 15.0

    @abstractmethod
    def install_tools(self, directory: Path) -> None:
        """Put what an operator controls nodes with into a directory of its PATH."""

    @property
    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """What an operator is told of this stack: the variables of the operator contract."""

    @abstractmethod
    async def state(self) -> Mapping[str, str]:
        """Everything that this stack is, by name; it differs when anything was changed."""

    @abstractmethod
    async def steady(self, *, within: float) -> None:
        """Return once the steady state is reached; raise NotSteady after `within` seconds without it."""

    @abstractmethod
    async def reset(self) -> None:
        """Forget everything that an earlier scenario left; the nodes go on running."""
