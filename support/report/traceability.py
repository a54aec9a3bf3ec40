"""`traceability.json`: the result of a run as a file, written and loaded again.

    {"run": {…}, "requirements": [{"id", "title", "status", "criteria": [{"id", "text", "status",
     "scenarios": [{"name", "location", "status", "reason", "seconds", "measures", "evidence"}]}]}],
     "unassigned": [scenario…]}

Keys may be added, none of these goes.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from support.report.model import (
    CriterionResult,
    RequirementResult,
    RunInfo,
    RunResult,
    ScenarioResult,
    StepResult,
    substitutes_of,
    verdict_text,
)

__all__ = ["from_json", "to_json"]


def to_json(result: RunResult) -> bytes:
    """The file's content, in UTF-8, with a line for each requirement.

    Text that is no valid Unicode, as a broken process may print it, is written as JSON escapes.
    """
    requirements = ",\n".join(_compact(_requirement(r)) for r in result.requirements)
    unassigned = ",\n".join(_compact(_scenario(s)) for s in result.unassigned)
    text = (
        f'{{"run": {_compact(asdict(result.run))},\n'
        f'"requirements": [\n{requirements}\n],\n"unassigned": [\n{unassigned}\n]}}\n'
    )
    return text.encode("utf-8", "backslashreplace")


def from_json(content: bytes | str) -> RunResult:
    """The result as it was when `to_json` wrote it.

    Raises ValueError when it is no JSON, KeyError or TypeError when it is of another shape.
    """
    data = json.loads(content)
    return RunResult(
        run=RunInfo(
            **{
                **data["run"],
                "command": tuple(data["run"]["command"]),
                "problems": tuple(data["run"]["problems"]),
            }
        ),
        requirements=tuple(_load_requirement(entry) for entry in data["requirements"]),
        unassigned=tuple(_load_scenario(entry) for entry in data["unassigned"]),
    )


def _compact(data: object) -> str:
    return json.dumps(data, ensure_ascii=False)  # with an indent, Python's slow encoder would do it


def _requirement(requirement: RequirementResult) -> dict[str, Any]:
    return {
        "id": requirement.id,
        "title": requirement.title,
        "status": requirement.status,
        "verdict": verdict_text(requirement.status, substitutes_of(requirement.all_scenarios)),
        "criteria": [_criterion(criterion) for criterion in requirement.criteria],
        "scenarios": [_scenario(scenario) for scenario in requirement.scenarios],
    }


def _criterion(criterion: CriterionResult) -> dict[str, Any]:
    return {
        "id": criterion.id,
        "text": criterion.text,
        "status": criterion.status,
        "verdict": verdict_text(criterion.status, substitutes_of(criterion.scenarios)),
        "reason": criterion.reason,
        "scenarios": [_scenario(scenario) for scenario in criterion.scenarios],
    }


def _scenario(scenario: ScenarioResult) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "feature": scenario.feature,
        "location": scenario.location,
        "ids": list(scenario.ids),
        "status": scenario.status,
        "verdict": verdict_text(scenario.status, scenario.substitutes),
        "reason": scenario.reason,
        "seconds": scenario.seconds,
        "measures": dict(scenario.measures),
        "evidence": list(scenario.evidence),
        "substitutes": list(scenario.substitutes),
        "spent": dict(scenario.spent),
        "steps": [vars(step) for step in scenario.steps],
    }


def _load_requirement(data: Mapping[str, Any]) -> RequirementResult:
    return RequirementResult(
        id=data["id"],
        title=data["title"],
        status=data["status"],
        criteria=tuple(_load_criterion(entry) for entry in data["criteria"]),
        scenarios=tuple(_load_scenario(entry) for entry in data["scenarios"]),
    )


def _load_criterion(data: Mapping[str, Any]) -> CriterionResult:
    return CriterionResult(
        id=data["id"],
        text=data["text"],
        status=data["status"],
        reason=data["reason"],
        scenarios=tuple(_load_scenario(entry) for entry in data["scenarios"]),
    )


def _load_scenario(data: Mapping[str, Any]) -> ScenarioResult:
    return ScenarioResult(
        name=data["name"],
        feature=data["feature"],
        location=data["location"],
        ids=tuple(data["ids"]),
        status=data["status"],
        reason=data["reason"],
        seconds=data["seconds"],
        measures=data["measures"],
        evidence=tuple(data["evidence"]),
        substitutes=tuple(data["substitutes"]),
        spent=data["spent"],
        steps=tuple(StepResult(**step) for step in data["steps"]),
    )
