"""The requirement register, `features/requirements.toml`: what the features must prove.

[[requirement]]
id = "DEMO-02"
title = "…"
statement = "…"
source = "…"
criteria = [{ id = "DEMO-02.1", text = "…" }]
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

__all__ = [
    "Criterion",
    "Register",
    "RegisterError",
    "Requirement",
    "load_register",
    "looks_like_id",
]

_REQUIREMENT_ID = re.compile(r"[A-Z]+-\d+")
_CRITERION_ID = re.compile(r"([A-Z]+-\d+)\.\d+")
_REQUIREMENT_KEYS = ("id", "title", "statement", "source", "criteria")
_CRITERION_KEYS = ("id", "text")


class RegisterError(Exception):
    """The register is missing or wrong; the message names the file and the id."""


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One part of a requirement that can be checked for itself."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """What must be true, where that was agreed, and the criteria it is judged by."""

    id: str
    title: str
    statement: str
    source: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, kw_only=True)
class Register:
    """All requirements, in the order of the file."""

    requirements: tuple[Requirement, ...]

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of all requirements and all criteria."""
        criteria = (c.id for requirement in self.requirements for c in requirement.criteria)
        return frozenset({*(requirement.id for requirement in self.requirements), *criteria})

    def requirement_tags(self, tags: Iterable[str]) -> list[str]:
        """The tags to add to a scenario: the requirement of each criterion among `tags`.

        In order and without those that are there already: DEMO-04.2 and DEMO-04.3 give DEMO-04.
        """
        present = list(tags)
        owners = (match[1] for tag in present if (match := _CRITERION_ID.fullmatch(tag)))
        return [owner for owner in dict.fromkeys(owners) if owner not in present]

    def suggestion(self, unknown: str) -> str:
        """What to try instead of an id that is not there."""
        near = get_close_matches(unknown, sorted(self.ids), n=1, cutoff=0.75)
        return f"did you mean {near[0]}?" if near else "add it to the register, or correct the tag"


def looks_like_id(tag: str) -> bool:
    """Whether a tag names a requirement or a criterion, known or not: DEMO-04, DEMO-04.2."""
    return bool(_REQUIREMENT_ID.fullmatch(tag) or _CRITERION_ID.fullmatch(tag))


def load_register(path: Path) -> Register:
    """Read the register and check it.

    Raises RegisterError when the file is missing, unreadable or no TOML, and for a duplicate or malformed
    id, a criterion that is not its requirement's, a missing, unknown or empty key, a register of nothing.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RegisterError(f"{path}: there is no requirement register here") from None
    except OSError as error:
        raise RegisterError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegisterError(f"{path}: not valid TOML: {error}") from None
    entries = data.get("requirement")
    if not isinstance(entries, list) or not entries:
        raise RegisterError(f"{path}: no [[requirement]] in it")
    seen: set[str] = set()
    return Register(requirements=tuple(_requirement(path, entry, seen) for entry in entries))


def _requirement(path: Path, entry: Any, seen: set[str]) -> Requirement:
    _check_keys(path, "requirement", entry, _REQUIREMENT_KEYS)
    id_ = entry["id"]
    if not _REQUIREMENT_ID.fullmatch(id_):
        raise RegisterError(f"{path}: {id_}: a requirement's id looks like DEMO-04")
    _check_new(path, id_, seen)
    if not isinstance(entry["criteria"], list):
        raise RegisterError(f"{path}: {id_}: criteria is not a list")
    return Requirement(
        id=id_,
        title=entry["title"],
        statement=entry["statement"],
        source=entry["source"],
        criteria=tuple(_criterion(path, id_, criterion, seen) for criterion in entry["criteria"]),
    )


def _criterion(path: Path, owner: str, entry: Any, seen: set[str]) -> Criterion:
    _check_keys(path, f"criterion of {owner}", entry, _CRITERION_KEYS)
    id_ = entry["id"]
    match = _CRITERION_ID.fullmatch(id_)
    if match is None:
        raise RegisterError(f"{path}: {id_}: a criterion's id looks like {owner}.1")
    if match[1] != owner:
        raise RegisterError(f"{path}: {id_}: stands under {owner}, but its id is of {match[1]}")
    _check_new(path, id_, seen)
    return Criterion(id=id_, text=entry["text"])


def _check_keys(path: Path, kind: str, entry: Any, keys: tuple[str, ...]) -> None:
    if not isinstance(entry, Mapping):
        raise RegisterError(f"{path}: {kind}: expected a table, found {entry!r}")
    name = entry.get("id", f"a {kind} without id")
    for key in keys:
        if not str(entry.get(key, "")).strip():
            raise RegisterError(f"{path}: {name}: {key} is missing or empty")
        if key != "criteria" and not isinstance(entry[key], str):
            raise RegisterError(f"{path}: {name}: {key} is not text: {entry[key]!r}")
    for key in entry:
        if key not in keys:
            raise RegisterError(f"{path}: {name}: unknown key {key}; known: {', '.join(keys)}")


def _check_new(path: Path, id_: str, seen: set[str]) -> None:
    if id_ in seen:
        raise RegisterError(f"{path}: {id_}: this id is there twice")
    seen.add(id_)
