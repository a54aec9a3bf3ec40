"""The data of the page: the result with its headline, and as much evidence as a page can hold.

What repeats is written once: sentences and lists of files are numbers into tables. Scenarios are numbered in
the order of the result, and criteria name them by number.
"""

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from support.report.exhibits import exhibits
from support.report.gate import gate
from support.report.headline import Headline
from support.report.model import (
    CriterionResult,
    RequirementResult,
    RunResult,
    ScenarioResult,
    substitutes_of,
    verdict_text,
    weight,
)

__all__ = ["page_data"]

_MOST = 9_000_000
"""Bytes of data that a page holds; evidence beyond is linked."""
_LONGEST_ERROR = 4000


class _Table:
    """A list in which everything stands once."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Hashable) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    @property
    def values(self) -> list[Any]:
        return list(self._numbers)


def page_data(result: RunResult, reports: Path) -> dict[str, Any]:
    """All that the page shows; evidence is read from below `reports`."""
    scenarios = result.scenarios
    numbers = {(s.run, s.location): number for number, s in enumerate(scenarios)}
    sentences, files = _Table(), _Table()
    data: dict[str, Any] = {
        "headline": _headline(result),
        "run": asdict(result.run),
        "runs": [asdict(run) for run in result.runs],
        "requirements": [_requirement(each, numbers) for each in result.requirements],
        "scenarios": [_scenario(each, sentences, files) for each in scenarios],
        "sentences": sentences.values,
        "files": files.values,
        "unassigned": [numbers[s.run, s.location] for s in result.unassigned],
    }
    room = _MOST - _size(data)
    data["exhibits"] = _exhibits(scenarios, reports, room)
    return data


def _headline(result: RunResult) -> dict[str, Any]:
    headline, passage = Headline(result), gate(result)
    return {
        "verdict": headline.verdict,
        "sentence": headline.sentence,
        "shownWith": headline.shown_with,
        "substitutes": headline.substitutes,
        "criteria": headline.criteria,
        "scenarios": headline.scenarios,
        "requirements": headline.requirements,
        "uncovered": [criterion.id for criterion in headline.uncovered],
        "open": [[reason, [c.id for c in criteria]] for reason, criteria in headline.open],
        "red": passage.red,
        "gate": passage.why,
    }


def _requirement(requirement: RequirementResult, numbers: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "id": requirement.id,
        "title": requirement.title,
        "statement": requirement.statement,
        "source": requirement.source,
        "status": requirement.status,
        "verdict": verdict_text(requirement.status, substitutes_of(requirement.all_scenarios)),
        "criteria": [_criterion(criterion, numbers) for criterion in requirement.criteria],
        "scenarios": [numbers[s.run, s.location] for s in requirement.scenarios],
    }


def _criterion(criterion: CriterionResult, numbers: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "id": criterion.id,
        "text": criterion.text,
        "status": criterion.status,
        "verdict": verdict_text(criterion.status, substitutes_of(criterion.scenarios)),
        "reason": criterion.reason,
        "scenarios": [numbers[s.run, s.location] for s in criterion.scenarios],
        "past": [asdict(past) for past in criterion.past],
        "flaky": criterion.flaky,
        "changed": asdict(criterion.changed) if criterion.changed else None,
        "strength": asdict(criterion.strength) if criterion.strength else None,
    }


def _scenario(scenario: ScenarioResult, sentences: _Table, files: _Table) -> dict[str, Any]:
    where = _common(scenario.evidence)
    names = tuple(str(PurePosixPath(path).relative_to(where)) for path in scenario.evidence)
    told = {
        "name": scenario.name,
        "feature": scenario.feature,
        "at": scenario.location,
        "ids": scenario.ids,
        "status": scenario.status,
        "reason": scenario.reason,
        "seconds": round(scenario.seconds, 3),
        "measures": {name: round(seconds, 3) for name, seconds in scenario.measures.items()},
        "where": where,
        "files": files.number(names) if names else None,
        "substitutes": scenario.substitutes,
        "tags": scenario.tags,
        "secrets": scenario.secrets,
        "run": scenario.run,
        "steps": [
            [
                sentences.number((step.keyword, step.text)),
                step.status,
                round(step.seconds, 3),
                *([step.error[:_LONGEST_ERROR]] if step.error else []),
            ]
            for step in scenario.steps
        ],
    }
    return {name: value for name, value in told.items() if value not in (None, "", (), {}, [])}


def _common(paths: Iterable[str]) -> str:
    """The directory that all these files lie in or below."""
    parents = [PurePosixPath(path).parent.parts for path in paths]
    if not parents:
        return ""
    shared = []
    for parts in zip(*parents, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared)


def _exhibits(scenarios: Iterable[ScenarioResult], reports: Path, room: int) -> dict[int, Any]:
    """The evidence by the number of its scenario: of those that failed first, until the page is full."""
    shown: dict[int, Any] = {}
    for number, scenario in sorted(enumerate(scenarios), key=lambda each: _urgency(each[1])):
        if not scenario.evidence:
            continue
        found = exhibits(scenario, reports)
        room -= _size(found)
        if room < 0:
            break
        shown[number] = found
    return shown


def _urgency(scenario: ScenarioResult) -> tuple[bool, int]:
    return scenario.status not in ("failed", "broken"), weight(scenario)[0]


def _size(data: object) -> int:
    return len(json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass"))
