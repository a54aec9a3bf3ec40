"""What every fault is: an injection, the moment the stack itself shows it, what is right again, and a heal.

A fault is one class in the file of its family. It knows what it breaks, what the operator has to say
about it, and how it is undone; a sentence in `steps/faults.py` makes it a word of the features.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an operator must find and say. `cause` and `remedy` are regular expressions, for lower case."""

    invariant: str
    identifier: str | None
    """The part of the stack on which the invariant is violated; None is the whole of it."""
    part: str
    """The name of the broken part, which diagnosis and summary must give."""
    cause: str
    """What a diagnosis calls the matter."""
    remedy: str
    """What a summary says was done."""

    @property
    def key(self) -> str:
        """The key of the violation, as tickets have it."""
        return f"{self.invariant}:{self.identifier}" if self.identifier else self.invariant


class Fault(Protocol):
    """A deliberate breakage of one stack.

    `heal` may be called after `prepare` or `inject` was interrupted at any point, after the operator
    repaired the fault, and more than once.
    """

    @property
    def title(self) -> str:
        """The fault in a few words, for people."""
        ...

    @property
    def expected(self) -> Expected | None:
        """The violation it makes; None when it violates no invariant."""
        ...

    @property
    def breaks(self) -> Collection[str]:
        """The names, as in the stack's state, of what it breaks; a repair may touch these and no others."""
        ...

    async def prepare(self) -> None:
        """Set the scene: what must be there before the fault, and is healthy."""
        ...

    async def inject(self) -> None: ...

    async def shown(self) -> bool:
        """Whether the stack itself shows the fault at this moment."""
        ...

    async def unrepaired(self) -> Sequence[str]:
        """What is not as it must be after a good repair, each in a few words; nothing when all is right."""
        ...

    async def heal(self) -> None: ...


class Passing:
    """What faults have in common that happen to the ways between nodes and break no part of the stack."""

    expected: Expected | None = None
    breaks: Collection[str] = ()

    async def prepare(self) -> None:
        """The ways are there already."""

    async def shown(self) -> bool:
        return True

    async def unrepaired(self) -> Sequence[str]:
        return ()
