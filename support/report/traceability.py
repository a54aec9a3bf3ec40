"""`traceability.json`: the result of a run as a file, written and loaded again.

    {"schema": …, "run": {…}, "requirements": [{"id", "title", "status", "criteria": [{"id", "text", "status",
     "scenarios": [{"name", "location", "status", "reason", "seconds", "measures", "evidence"}]}]}],
     "unassigned": [scenario…], "runs": [run…]}

Keys may be added, none of these goes. `traceability.schema.json` beside this module describes all.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from support.report.model import (
    Changed,
    CriterionResult,
    Past,
    RequirementResult,
    RunInfo,
    RunResult,
    ScenarioResult,
    StepResult,
    Strength,
    substitutes_of,
    verdict_text,
)

__all__ = ["SCHEMA", "from_json", "to_json"]

SCHEMA = Path(__file__).with_name("traceability.schema.json")
"""The JSON schema of the file."""

_ID: str = json.loads(SCHEMA.read_text(encoding="utf-8"))["$id"]


def to_json(result: RunResult) -> bytes:
    """The file's content, in UTF-8, with a line for each requirement.

    Text that is no valid Unicode, as a broken process may print it, is written as JSON escapes.
    """
    requirements = ",\n".join(_compact(_requirement(r)) for r in result.requirements)
    unassigned = ",\n".join(_compact(_scenario(s)) for s in result.unassigned)
    text = (
        f'{{"schema": {_compact(_ID)},\n"run": {_compact(asdict(result.run))},\n'
        f'"requirements": [\n{requirements}\n],\n"unassigned": [\n{unassigned}\n],\n'
        f'"runs": {_compact([asdict(run) for run in result.runs])}}}\n'
    )
    return text.encode("utf-8", "backslashreplace")


def from_json(content: bytes | str) -> RunResult:
    """The result as it was when `to_json` wrote it.

    Raises ValueError when it is no JSON, KeyError or TypeError when it is of another shape.
    """
    data = json.loads(content)
    return RunResult(
        run=_load_run(data["run"]),
        requirements=tuple(_load_requirement(entry) for entry in data["requirements"]),
        unassigned=tuple(_load_scenario(entry) for entry in data["unassigned"]),
        runs=tuple(_load_run(entry) for entry in data["runs"]),
    )


def _compact(data: object) -> str:
    return json.dumps(data, ensure_ascii=False)  # with an indent, Python's slow encoder would do it


def _requirement(requirement: RequirementResult) -> dict[str, Any]:
    return {
        "id": requirement.id,
        "title": requirement.title,
        "statement": requirement.statement,
        "source": requirement.source,
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
        "unselected": list(criterion.unselected),
        "slow": list(criterion.slow),
        "past": [vars(past) for past in criterion.past],
        "flaky": criterion.flaky,
        "changed": vars(criterion.changed) if criterion.changed else None,
        "strength": vars(criterion.strength) if criterion.strength else None,
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
        "tags": list(scenario.tags),
        "began": scenario.began,
        "secrets": list(scenario.secrets),
        "run": scenario.run,
    }


def _load_run(data: Mapping[str, Any]) -> RunInfo:
    return RunInfo(
        **{
            **data,
            "command": tuple(data["command"]),
            "problems": tuple(data["problems"]),
            "secrets": tuple(data["secrets"]),
        }
    )


def _load_requirement(data: Mapping[str, Any]) -> RequirementResult:
    return RequirementResult(
        id=data["id"],
        title=data["title"],
        status=data["status"],
        criteria=tuple(_load_criterion(entry) for entry in data["criteria"]),
        scenarios=tuple(_load_scenario(entry) for entry in data["scenarios"]),
        statement=data["statement"],
        source=data["source"],
    )


def _load_criterion(data: Mapping[str, Any]) -> CriterionResult:
    return CriterionResult(
        id=data["id"],
        text=data["text"],
        status=data["status"],
        reason=data["reason"],
        scenarios=tuple(_load_scenario(entry) for entry in data["scenarios"]),
        unselected=tuple(data["unselected"]),
        slow=tuple(data["slow"]),
        past=tuple(Past(**entry) for entry in data["past"]),
        flaky=data["flaky"],
        changed=Changed(**data["changed"]) if data["changed"] else None,
        strength=_load_strength(data["strength"]) if data["strength"] else None,
    )


def _load_strength(data: Mapping[str, Any]) -> Strength:
    lists = {name: tuple(data[name]) for name in ("caught", "missed", "wrongly_red")}
    return Strength(**{**data, **lists})


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
        tags=tuple(data["tags"]),
        began=data["began"],
        secrets=tuple(data["secrets"]),
        run=data["run"],
    )
