"""What every model of a bed is: an address for the operator, and a witness of all that was said."""

from typing import Protocol

from support.model.exchange import Exchange


class Model(Protocol):
    """The model double, a replayed model, or the way to the real one."""

    @property
    def url(self) -> str:
        """What the operator is given as `ANTHROPIC_BASE_URL`."""
        ...

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every request received so far and the answer it got."""
        ...

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The requests that could not be answered, in words. One is enough to make the bed broken."""
        ...

    @property
    def substitutes(self) -> tuple[str, ...]:
        """What a verdict has to name: nothing for the real model."""
        ...

    @property
    def exhausted(self) -> str | None:
        """Why no more could be asked, so that nothing can be said of the operator."""
        ...

    def cost(self) -> dict[str, float]:
        """What it has cost, as measures that name their unit."""
        ...
