"""What a check finds out about a subject's invariants: that they hold, are violated, or neither."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["warning", "critical"]


@dataclass(frozen=True)
class Violation:
    """An observed breach of an invariant."""

    invariant: str
    identifier: str | None  # the node, key or store concerned; None when it is the whole cluster
    message: str  # a sentence that names what is wrong, with the figures
    severity: Severity = "warning"
    snapshot: Mapping[str, object] = field(default_factory=dict)  # the observation, JSON values

    @property
    def key(self) -> str:
        """What tells this violation from every other, as tickets keep it."""
        return self.invariant if self.identifier is None else f"{self.invariant}:{self.identifier}"


@dataclass(frozen=True)
class Finding:
    """What one check found out about one invariant.

    An identifier that is neither violated nor undecided fulfils the invariant. What could not be
    observed, or is suspected but not certain yet, is undecided: no reason to file a ticket, and no
    reason to resolve one.
    """

    invariant: str
    violations: tuple[Violation, ...] = ()
    undecided: Mapping[str, str] = field(default_factory=dict)  # identifier: why
    unobserved: str | None = None  # why nothing at all is known about the invariant

    def clears(self, identifier: str | None) -> bool:
        """Whether this check saw the invariant fulfilled for `identifier`."""
        if self.unobserved is not None:
            return False
        if identifier is None:
            return not self.violations and not self.undecided
        return identifier not in self.undecided and all(
            violation.identifier != identifier for violation in self.violations
        )


class Persistence:
    """How long each of some things has been seen, without being seen absent, over the checks."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def seen(self, names: Iterable[str], *, at: float, unknown: Iterable[str] = ()) -> None:
        """Note what a check at monotonic time `at` saw. What is `unknown` neither begins nor ends."""
        kept = {*names}
        known = {name: since for name, since in self._since.items() if name in {*kept, *unknown}}
        self._since = {**dict.fromkeys(kept, at), **known}

    def seconds(self, name: str, *, at: float) -> float:
        """For how long, at `at`, the named thing has been seen; 0.0 if it has not."""
        return at - self._since.get(name, at)
