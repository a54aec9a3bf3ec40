"""What a sabotage is, and how one is found by its name."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import support.sabotage as room
from support.profile import Profile
from support.sabotage.patches import Patch, misfits

if TYPE_CHECKING:  # the model's server is slow to import, and every run reads this
    from support.model.script import Script

_NO_SABOTAGE = ("at_work", "patches", "sabotage", "tampering")


class SabotageError(Exception):
    """There is no sabotage of this name, or it does not fit the code; the message says which and why."""


def _as_it_is(profile: Profile) -> Profile:
    return profile


@dataclass(frozen=True, kw_only=True)
class Sabotage:
    """A deliberately bad operator: what is done to it, and the criteria that must then be red.

    `sentence` is for a product owner. `breaks` says for each criterion that must be red which words the
    report must have of what was seen, `leaves` names criteria that must stay green. `scenario`, a regular
    expression, names the scenarios that show it, where not every one of those criteria does.

    `profile` changes the operator's commands, `script` takes the place of the model's, `patches` change the
    code. `real_model` says that the script stands for a real model that is a bad one.
    """

    title: str
    sentence: str
    breaks: Mapping[str, str]
    leaves: Sequence[str] = ()
    scenario: str = ""
    script: "Script | None" = None
    profile: Callable[[Profile], Profile] = field(default=_as_it_is)
    patches: Sequence[Patch] = ()
    real_model: bool = False


def names() -> list[str]:
    """The names of all sabotages, sorted."""
    return sorted(each.name for each in pkgutil.iter_modules(room.__path__) if each.name not in _NO_SABOTAGE)


def load_sabotage(name: str) -> Sabotage:
    """Return the sabotage of this name. Raises SabotageError."""
    if name not in names():
        raise SabotageError(f"there is no sabotage {name!r}; there are {', '.join(names())}")
    found: Sabotage = importlib.import_module(f"support.sabotage.{name}").SABOTAGE
    return found


def check_fits(sabotage: Sabotage, base: Path) -> None:
    """Raise SabotageError unless its patches fit the code in `base`."""
    found = list(misfits(sabotage.patches, base))
    if found:
        raise SabotageError(f"the sabotage {sabotage.title!r} does not fit the code\n" + "\n".join(found))


def named(title: str) -> str:
    """The name of the sabotage with this title. Raises SabotageError."""
    titles = {load_sabotage(name).title: name for name in names()}
    if title not in titles:
        raise SabotageError(f"there is no sabotage {title!r}; there are {', '.join(sorted(titles))}")
    return titles[title]
