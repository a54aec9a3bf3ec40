"""What a sabotage is, and how one is found by its name."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import support.sabotage as room
from support.model.script import Script
from support.profile import Profile


class SabotageError(Exception):
    """There is no sabotage of this name; the message lists those there are."""


def _as_it_is(profile: Profile) -> Profile:
    return profile


@dataclass(frozen=True, kw_only=True)
class Sabotage:
    """A deliberately bad operator: what is done to it, and the criteria that must then be red.

    `sentence` is for a product owner. `script` takes the place of the model's; `profile` changes the
    operator's commands.
    """

    title: str
    sentence: str
    breaks: Sequence[str]
    script: Script | None = None
    profile: Callable[[Profile], Profile] = field(default=_as_it_is)


def names() -> list[str]:
    """The names of all sabotages, sorted."""
    return sorted(each.name for each in pkgutil.iter_modules(room.__path__) if each.name != "sabotage")


def load_sabotage(name: str) -> Sabotage:
    """Return the sabotage of this name. Raises SabotageError."""
    if name not in names():
        raise SabotageError(f"there is no sabotage {name!r}; there are {', '.join(names())}")
    found: Sabotage = importlib.import_module(f"support.sabotage.{name}").SABOTAGE
    return found
