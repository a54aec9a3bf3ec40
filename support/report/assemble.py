"""From what each scenario showed to what that says of every criterion and requirement."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from support.report.model import (
    CriterionResult,
    RequirementResult,
    RequirementVerdict,
    RunInfo,
    RunResult,
    ScenarioResult,
    worst,
)
from support.report.register import Criterion, Register, Requirement
from support.verdict import Verdict

__all__ = ["Coverage", "assemble"]


@dataclass(frozen=True)
class Coverage:
    """How many scenarios that exist and were not selected name each id.

    They show nothing, but what they name is not "not covered" either.
    """

    unselected: Counter[str]

    @classmethod
    def of(cls, unselected: Iterable[Iterable[str]]) -> "Coverage":
        """From the ids of each scenario that exists and was not selected."""
        return cls(unselected=Counter(id_ for ids in unselected for id_ in set(ids)))


def assemble(
    run: RunInfo, register: Register, scenarios: Sequence[ScenarioResult], coverage: Coverage
) -> RunResult:
    """The result of the run, with every requirement of the register in it."""
    return RunResult(
        run=run,
        requirements=tuple(_requirement(r, scenarios, coverage) for r in register.requirements),
        unassigned=tuple(s for s in scenarios if not register.ids.intersection(s.ids)),
    )


def _requirement(
    requirement: Requirement, scenarios: Sequence[ScenarioResult], coverage: Coverage
) -> RequirementResult:
    criteria = tuple(_criterion(c, scenarios, coverage) for c in requirement.criteria)
    own = tuple(
        s
        for s in scenarios
        if requirement.id in s.ids and not any(c.id in s.ids for c in requirement.criteria)
    )
    return RequirementResult(
        id=requirement.id,
        title=requirement.title,
        status=_of_parts([c.status for c in criteria] + [s.status for s in own]),
        criteria=criteria,
        scenarios=own,
    )


def _of_parts(statuses: Sequence[Verdict]) -> RequirementVerdict:
    status = worst(statuses)
    if status in ("not verified", "not covered") and "passed" in statuses:
        return "partly verified"
    return status


def _criterion(
    criterion: Criterion, scenarios: Sequence[ScenarioResult], coverage: Coverage
) -> CriterionResult:
    own = tuple(s for s in scenarios if criterion.id in s.ids)
    left_out = coverage.unselected[criterion.id]
    status = worst([s.status for s in own] + (["not verified"] if left_out else []))
    return CriterionResult(
        id=criterion.id,
        text=criterion.text,
        status=status,
        reason=_reason(status, own, left_out),
        scenarios=own,
    )


def _reason(status: Verdict, own: Sequence[ScenarioResult], left_out: int) -> str | None:
    """Why the criterion is not passed, in the words of the scenarios that decided it."""
    if status == "passed":
        return None
    if status == "not covered":
        return "no scenario names it"
    reasons = [s.reason for s in own if s.status == status and s.reason]
    if status == "not verified" and left_out:
        all_ = left_out + len(own)
        reasons.append("not selected" if not own else f"{left_out} of {all_} scenarios not selected")
    return "; ".join(dict.fromkeys(reasons)) or None
