"""What every fault is: an injection, the moment the stack itself shows it, and a heal."""

from collections.abc import Mapping
from typing import Protocol


class Fault(Protocol):
    """A deliberate breakage of one stack.

    `heal` may be called after `inject` was interrupted at any point, after the operator repaired the
    fault, and more than once.
    """

    @property
    def title(self) -> str:
        """The fault in a few words, for people."""
        ...

    @property
    def violation(self) -> tuple[str, str | None]:
        """The invariant that is violated and the part of the stack it is violated on."""
        ...

    async def prepare(self) -> None:
        """Set the scene: what must be there before the fault, and is healthy."""
        ...

    async def inject(self) -> None: ...

    async def shown(self) -> bool:
        """Whether the stack itself shows the fault at this moment."""
        ...

    async def untouched(self) -> Mapping[str, str]:
        """All that a repair of this fault must leave as it is, by name."""
        ...

    async def heal(self) -> None: ...
