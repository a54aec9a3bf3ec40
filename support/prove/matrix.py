"""What came of each try of a sabotage, and what that says of the criteria."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias

__all__ = ["RED", "Matrix", "Must", "Outcome", "Tried", "joined"]

Must: TypeAlias = Literal["break", "leave"]
Outcome: TypeAlias = Literal["caught", "missed", "left green", "wrongly red", "not applicable", "broken"]

RED: tuple[Outcome, ...] = ("missed", "wrongly red", "broken")
"""What makes a matrix red. Where the bed is broken, nothing was shown of the suite."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One sabotage and one criterion, which it must break or must leave green.

    `saw` is what the report said, or why nothing can be said; `scenario` is where. `seconds` is the wall time
    of the run, divided by the criteria that it was about.
    """

    sabotage: str
    criterion: str
    must: Must
    outcome: Outcome
    saw: str
    scenario: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """All tries.

    `titles`, `sentences` and `took` are those of the sabotages by their names: `took` is the wall time in
    seconds from the beginning of the first try to the end of the last. `criteria` are the ids of the
    register, `uncovered` those that no scenario names. `started` is RFC 3339; `commit` and `code` name what
    was tried, as those of a run.
    """

    tried: tuple[Tried, ...]
    titles: Mapping[str, str]
    sentences: Mapping[str, str]
    took: Mapping[str, float]
    criteria: tuple[str, ...]
    uncovered: frozenset[str]
    started: str
    seconds: float
    jobs: int
    processors: int
    operator: str
    commit: str | None
    code: str | None

    @property
    def red(self) -> bool:
        """Whether somebody has to look."""
        return any(each.outcome in RED for each in self.tried)

    @cached_property
    def counts(self) -> Mapping[Outcome, int]:
        """How many tries came out how."""
        return Counter(each.outcome for each in self.tried)

    def of(self, criterion: str, *outcomes: Outcome) -> list[Tried]:
        """The tries of a criterion that came out so."""
        return [t for t in self.tried if t.criterion == criterion and t.outcome in outcomes]

    def unproven(self) -> Mapping[str, str]:
        """The criteria that nothing has been caught breaking, with the reason."""
        return {
            criterion: self._why_unproven(criterion)
            for criterion in self.criteria
            if not self.of(criterion, "caught")
        }

    def _why_unproven(self, criterion: str) -> str:
        if criterion in self.uncovered:
            return "no scenario names it"
        breaking = [t for t in self.tried if t.criterion == criterion and t.must == "break"]
        if not breaking:
            return "no sabotage that was tried breaks it"
        return "; ".join(f"{self.titles[t.sabotage]}: {t.outcome}" for t in breaking)


def joined(new: Matrix, old: Matrix | None) -> Matrix:
    """The new matrix, with the tries of the old one that were not made again if the code is the same."""
    if old is None or new.code is None or (old.code, old.operator) != (new.code, new.operator):
        return new
    again = {_what(each) for each in new.tried}
    kept = [each for each in old.tried if _what(each) not in again]
    return replace(
        new,
        tried=tuple(sorted([*kept, *new.tried], key=lambda each: each.sabotage)),
        titles={**old.titles, **new.titles},
        sentences={**old.sentences, **new.sentences},
        took={**old.took, **new.took},
        uncovered=new.uncovered | old.uncovered,
    )


def _what(tried: Tried) -> tuple[str, str, str]:
    return tried.sabotage, tried.criterion, tried.must
