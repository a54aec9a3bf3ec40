"""Secrets are masked in a result before anything is written of it, and what was found is said with it.

The evidence masks its own: processes' output, tickets, the audit log, model traffic and the timeline.
"""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar

from support.evidence.redaction import Redactor
from support.report.model import RunInfo, ScenarioResult

__all__ = ["masked_run", "masked_scenario"]

T = TypeVar("T")
Result = TypeVar("Result", RunInfo, ScenarioResult)


def masked_run(run: RunInfo, redactor: Redactor) -> RunInfo:
    """What is said of the run without secrets; those found in it are added to its `secrets`."""
    return _without_secrets(run, redactor, source="the run itself")


def masked_scenario(scenario: ScenarioResult, redactor: Redactor) -> ScenarioResult:
    """The scenario without secrets; those found in its sentences and reasons are added to its `secrets`."""
    return _without_secrets(scenario, redactor, source="the sentences and reasons")


def _without_secrets(result: Result, redactor: Redactor, *, source: str) -> Result:
    if not redactor.suspects("\n".join(_texts(result))):
        return result
    before = len(redactor.hits)
    clean: Result = _masked(result, redactor, source=source)
    found: tuple[str, ...] = redactor.found_since(before)
    return replace(clean, secrets=tuple(dict.fromkeys((*clean.secrets, *found))))


def _masked(value: T, redactor: Redactor, *, source: str) -> T:
    """The value with the secrets in all its texts masked, however deep."""
    done: Any = value
    if isinstance(value, str):
        done = redactor.text(value, source)
    elif isinstance(value, tuple):
        done = tuple(_masked(one, redactor, source=source) for one in value)
    elif isinstance(value, Mapping):
        done = {key: _masked(one, redactor, source=source) for key, one in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        fields = {name: _masked(one, redactor, source=source) for name, one in vars(value).items()}
        done = replace(value, **fields)
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
