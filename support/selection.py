"""Which scenarios a run is about: `@DEMO-04` means all of its criteria, what is slow has to be named,
and a selection that means nothing is an error that says why.

Features, scenarios and the configuration are behave's objects.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from support.report.register import Register, looks_like_id

__all__ = ["SelectionError", "check_ids", "ids_of", "select"]

_LEFT_OUT = ("slow", "meta")  # scenarios with these tags run only when the expression names the tag
_OPERATORS = frozenset({"and", "or", "not"})


class SelectionError(Exception):
    """What was asked for cannot be run; the message says what to write instead."""


def check_ids(features: Sequence[Any], expression: Sequence[str], register: Register) -> None:
    """Raise SelectionError for every tag that looks like an id and is none of the register's, in the
    features (with file and line) or in the tag expression."""
    found = [
        f"{place}: @{tag} is not in the requirement register; {register.suggestion(tag)}"
        for place, tag in [
            *((f"--tags {part}", tag) for part in expression for tag in _tags_in([part])),
            *(tag_at for feature in features for tag_at in _tags_of(feature)),
        ]
        if looks_like_id(tag) and tag not in register.ids
    ]
    if found:
        raise SelectionError("\n".join(dict.fromkeys(found)))


def select(features: Sequence[Any], config: Any, register: Register) -> list[Any]:
    """Tag every scenario with the requirements of its criteria, and return those that are to run.

    All others are marked as skipped, and so are features, rules and outlines without any, so that no
    hook is called for them. Raises SelectionError when none is left.
    """
    expression = expression_of(config)
    asked_for, selected = [], []
    left_out = _left_out_by_default(expression)
    for scenario in _scenarios(features):
        scenario.tags.extend(register.requirement_tags(scenario.effective_tags))
        if scenario.should_run(config):
            asked_for.append(scenario)
            if not left_out & scenario.effective_tags:
                selected.append(scenario)
    if not selected:
        raise SelectionError(_nothing_selected(config, asked_for, left_out))
    wanted = {id(scenario) for scenario in selected}
    for feature in features:
        _skip_others(feature, wanted)
    return selected


def ids_of(scenario: Any, register: Register) -> frozenset[str]:
    """The ids of the register that a scenario is tagged with, inherited ones included."""
    return register.ids.intersection(scenario.effective_tags)


def expression_of(config: Any) -> list[str]:
    """The tag expression as it was written, one entry per --tags."""
    parts = [config.tags] if isinstance(config.tags, str) else config.tags or ()
    return [part for part in parts if part.strip()]


def _scenarios(features: Iterable[Any]) -> Iterator[Any]:
    for feature in features:
        yield from feature.walk_scenarios()


def _skip_others(feature: Any, wanted: set[int]) -> None:
    parts = [feature, *feature.walk_scenarios(with_outlines=True, with_rules=True)]
    for part in parts:
        inner = part.walk_scenarios() if hasattr(part, "walk_scenarios") else _rows(part)
        if not part.should_skip and not any(id(scenario) in wanted for scenario in inner):
            part.mark_skipped()


def _rows(part: Any) -> list[Any]:
    """The scenarios of an outline; a plain scenario is its own."""
    return list(part.scenarios) if hasattr(part, "scenarios") else [part]


def _tags_of(feature: Any) -> Iterator[tuple[str, str]]:
    """Every tag that is written in a feature, with its place; placeholders as each row fills them."""
    for part in [feature, *feature.walk_scenarios(with_outlines=True, with_rules=True)]:
        for owner in [part, *getattr(part, "examples", ())]:
            for tag in owner.tags:
                yield f"{owner.filename}:{getattr(tag, 'line', owner.line)}", str(tag)


def _tags_in(expression: Sequence[str]) -> list[str]:
    words = (word for part in expression for word in re.split(r"[\s(),]+", part))
    tags = (word.lstrip("~-@").partition(":")[0] for word in words if word not in _OPERATORS)
    return [tag for tag in tags if tag]


def _left_out_by_default(expression: Sequence[str]) -> frozenset[str]:
    """The tags that the expression does not name; "not @slow" names it, "@s*" does, too."""
    named = _tags_in(expression)
    return frozenset(tag for tag in _LEFT_OUT if not any(fnmatchcase(tag, name) for name in named))


def _nothing_selected(config: Any, asked_for: Sequence[Any], left_out: frozenset[str]) -> str:
    expression = expression_of(config)
    asked = [f"--tags {part!r}" for part in expression] + [f"--name {n!r}" for n in config.name or ()]
    asked.append(f"in {', '.join(config.paths)}")
    text = f"No scenario is selected by {' '.join(asked)}."
    if asked_for:
        tags = sorted(left_out & {tag for s in asked_for for tag in s.effective_tags})
        also = " and ".join([*expression, f"@{tags[0]}"])
        text += f" What it means is left out unless the tag is named: --tags {also!r}"
    elif hint := _old_syntax(expression):
        text += f" {hint}"
    return text


def _old_syntax(expression: Sequence[str]) -> str | None:
    """How to write an expression today that is in the syntax of Cucumber 1."""
    for part in expression:
        new = re.sub(r"(^|[\s(,])[~-](@?\w)", r"\1not \2", part)
        new = re.sub(r"\s*,\s*", " or ", new)
        if new != part:
            return f"This is old syntax; write --tags {new!r}"
    return None
