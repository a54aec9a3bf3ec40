"""What is to be tried: for each sabotage the criteria it must break, one run each, and those it must leave
green, one run for all, of one scenario for each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from support.prove.matrix import Must
from support.sabotage.sabotage import Sabotage, SabotageError

__all__ = ["Try", "plan"]


@dataclass(frozen=True, kw_only=True)
class Try:
    """One run of the suite against a sabotage; of the scenarios at these places, if there are any."""

    name: str
    sabotage: Sabotage
    must: Must
    criteria: tuple[str, ...]
    places: tuple[str, ...] = ()

    @property
    def options(self) -> list[str]:
        """The options of behave that select its scenarios, those included that run the suite itself."""
        wanted = " or ".join(f"@{criterion}" for criterion in self.criteria)
        tags = ["--tags", f"({wanted}) and (@meta or not @meta)"]
        if self.must == "leave":
            return [*tags, *self.places]
        named = ["--name", self.sabotage.scenario] if self.sabotage.scenario else []
        return ["--stop", *tags, *named]


def plan(
    sabotages: Mapping[str, Sabotage],
    *,
    only: Collection[str],
    criteria: Collection[str],
    known: Collection[str],
    controls: Mapping[str, str],
) -> list[Try]:
    """The tries of these sabotages, of those named in `only` if any is, and of these criteria if any is.

    A requirement stands for its criteria; `known` are the ids of the register, `controls` says
    where the scenario is that must stay green of a criterion that is left alone. Raises SabotageError for
    what is not known, and when nothing is left.
    """
    for name in only:
        if name not in sabotages:
            raise SabotageError(f"there is no sabotage {name!r}; there are {', '.join(sorted(sabotages))}")
    for wanted in criteria:
        if wanted not in known:
            raise SabotageError(f"{wanted} is not in the requirement register")
    tries: list[Try] = []
    for name, sabotage in sorted(sabotages.items()):
        if only and name not in only:
            continue
        for id_ in (*sabotage.breaks, *sabotage.leaves):
            if id_ not in known:
                raise SabotageError(f"sabotage {name}: {id_} is not in the requirement register")
        broken = [id_ for id_ in sabotage.breaks if _is_wanted(id_, criteria)]
        left = tuple(id_ for id_ in sabotage.leaves if _is_wanted(id_, criteria))
        tries += [Try(name=name, sabotage=sabotage, must="break", criteria=(id_,)) for id_ in broken]
        if left:
            places = tuple(dict.fromkeys(controls[id_] for id_ in left if id_ in controls))
            tries.append(Try(name=name, sabotage=sabotage, must="leave", criteria=left, places=places))
    if not tries:
        raise SabotageError(f"no sabotage is about {', '.join(criteria) or 'anything'}")
    return sorted(tries, key=_is_short)


def _is_short(try_: Try) -> bool:
    """Whether it does not run whole suites under the suite: those come first, as they take longest."""
    return not any(criterion.startswith("TEST-") for criterion in try_.criteria)


def _is_wanted(criterion: str, criteria: Collection[str]) -> bool:
    return not criteria or criterion in criteria or criterion.rpartition(".")[0] in criteria
