"""How strong each criterion is: what `acceptance prove` has caught breaking it, from `proof.json` beside the
reports. A criterion that nothing was caught breaking may be green for no reason."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.report.model import CriterionResult, RunResult, Strength

__all__ = ["PROOF", "strengthened"]

PROOF = "proof.json"


def strengthened(result: RunResult, reports: Path) -> RunResult:
    """The result with the strength of each criterion; as it is when there is no proof that can be read."""
    try:
        proof = json.loads((reports / PROOF).read_text(encoding="utf-8"))
        found = dict(_strengths(proof))
    except (OSError, ValueError, KeyError, TypeError):
        return result

    def of(criteria: Iterable[CriterionResult]) -> tuple[CriterionResult, ...]:
        return tuple(replace(criterion, strength=found.get(criterion.id)) for criterion in criteria)

    return replace(
        result,
        requirements=tuple(replace(each, criteria=of(each.criteria)) for each in result.requirements),
    )


def _strengths(proof: Mapping[str, Any]) -> Iterable[tuple[str, Strength]]:
    for criterion in proof["criteria"]:
        came_of: dict[str, list[str]] = {}
        for sabotage in proof["sabotages"]:
            for each in sabotage["tries"]:
                if each["criterion"] == criterion["id"]:
                    came_of.setdefault(each["outcome"], []).append(sabotage["title"])
        yield (
            criterion["id"],
            Strength(
                caught=tuple(came_of.get("caught", ())),
                missed=tuple(came_of.get("missed", ())),
                wrongly_red=tuple(came_of.get("wrongly red", ())),
                why=criterion["why"],
                proved=proof["started"],
                commit=proof["commit"],
                operator=proof["operator"],
            ),
        )
