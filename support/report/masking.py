"""Secrets are masked in a result before anything is written of it, and what was found is said with it.

The evidence masks its own: processes' output, tickets, the audit log, model traffic and the timeline.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar

from support.evidence.redaction import Redactor
from support.report.model import RunInfo, ScenarioResult

__all__ = ["masked_run", "masked_scenario"]

T = TypeVar("T")


def masked_run(run: RunInfo, redactor: Redactor) -> RunInfo:
    """What is said of the run without secrets; those found in it are added to its `secrets`."""
    before = len(redactor.hits)
    clean = _masked(run, redactor, source="the run itself")
    return replace(clean, secrets=(*clean.secrets, *redactor.found_since(before)))


def masked_scenario(scenario: ScenarioResult, redactor: Redactor) -> ScenarioResult:
    """The scenario without secrets; those found in its sentences and reasons are added to its `secrets`."""
    if not redactor.suspects("\n".join(_texts(scenario))):
        return scenario
    before = len(redactor.hits)
    clean = _masked(scenario, redactor, source="the sentences and reasons")
    found = redactor.found_since(before)
    return replace(clean, secrets=tuple(dict.fromkeys((*clean.secrets, *found)))) if found else clean


def _masked(value: T, redactor: Redactor, *, source: str) -> T:
    """The value with the secrets in all its texts masked, however deep; the same object, if it has none."""
    done: Any = value
    if isinstance(value, str):
        done = redactor.text(value, source)
    elif isinstance(value, tuple):
        each = [_masked(one, redactor, source=source) for one in value]
        done = tuple(each) if _differ(each, value) else value
    elif isinstance(value, Mapping):
        items = {key: _masked(one, redactor, source=source) for key, one in value.items()}
        done = items if _differ(items.values(), value.values()) else value
    elif is_dataclass(value) and not isinstance(value, type):
        texts = {name: one for name, one in vars(value).items() if not isinstance(one, (int, float))}
        fields = {name: _masked(one, redactor, source=source) for name, one in texts.items()}
        done = replace(value, **fields) if _differ(fields.values(), texts.values()) else value
    return done  # type: ignore[no-any-return]


def _texts(value: object) -> Iterator[str]:
    """All texts in the value, however deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, tuple):
            waiting += one
        elif one is None or isinstance(one, (int, float)):
            continue
        elif is_dataclass(one):
            waiting += vars(one).values()
        elif isinstance(one, Mapping):
            waiting += one.values()


def _differ(some: Iterable[object], others: Iterable[object]) -> bool:
    return any(one is not other for one, other in zip(some, others, strict=True))
