"""From what each scenario showed to what that says of every criterion and requirement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from support.report.model import (
    CriterionResult,
    RequirementResult,
    RequirementVerdict,
    RunInfo,
    RunResult,
    ScenarioResult,
    deciding,
    weight,
    worst,
)
from support.report.register import Criterion, Register, Requirement
from support.verdict import Verdict

__all__ = ["Coverage", "assemble"]


@dataclass(frozen=True)
class Coverage:
    """The locations of the scenarios that exist and were not selected, by the ids they name.

    They show nothing, but what they name is not "not covered" either. `slow` are the locations of those
    that take long: the rest of their criterion decides without them.
    """

    unselected: Mapping[str, tuple[str, ...]]
    slow: frozenset[str] = frozenset()

    @classmethod
    def of(cls, unselected: Iterable[tuple[str, Iterable[str]]], *, slow: Iterable[str] = ()) -> "Coverage":
        """From the location and the ids of each scenario that exists and was not selected."""
        locations: dict[str, tuple[str, ...]] = {}
        for location, ids in unselected:
            for id_ in set(ids):
                locations[id_] = (*locations.get(id_, ()), location)
        return cls(unselected=locations, slow=frozenset(slow))


def assemble(
    run: RunInfo, register: Register, scenarios: Sequence[ScenarioResult], coverage: Coverage
) -> RunResult:
    """The result of the run, with every requirement of the register in it."""
    by_id: dict[str, list[ScenarioResult]] = {}
    for scenario in sorted(scenarios, key=weight):
        for id_ in scenario.ids:
            by_id.setdefault(id_, []).append(scenario)
    return RunResult(
        run=run,
        requirements=tuple(_requirement(r, by_id, coverage) for r in register.requirements),
        unassigned=tuple(s for s in scenarios if not register.ids.intersection(s.ids)),
    )


def _requirement(
    requirement: Requirement, by_id: Mapping[str, Sequence[ScenarioResult]], coverage: Coverage
) -> RequirementResult:
    criteria = tuple(_criterion(c, by_id.get(c.id, ()), coverage) for c in requirement.criteria)
    known = {criterion.id for criterion in requirement.criteria}
    own = tuple(s for s in by_id.get(requirement.id, ()) if not known.intersection(s.ids))
    return RequirementResult(
        id=requirement.id,
        title=requirement.title,
        status=_of_parts([c.status for c in criteria] + [s.status for s in deciding(own)]),
        criteria=criteria,
        scenarios=own,
        statement=requirement.statement,
        source=requirement.source,
    )


def _of_parts(statuses: Sequence[Verdict]) -> RequirementVerdict:
    status = worst(statuses)
    if status in ("not verified", "not covered") and "passed" in statuses:
        return "partly verified"
    return status


def _criterion(criterion: Criterion, own: Sequence[ScenarioResult], coverage: Coverage) -> CriterionResult:
    run = {scenario.location for scenario in own}
    left_out = tuple(at for at in coverage.unselected.get(criterion.id, ()) if at not in run)
    slow = tuple(at for at in left_out if at in coverage.slow)
    missed = len(left_out) - len(slow) if own else len(left_out)
    counting = deciding(own)
    status = worst([s.status for s in counting] + (["not verified"] if missed else []))
    return CriterionResult(
        id=criterion.id,
        text=criterion.text,
        status=status,
        reason=_reason(status, counting, missed),
        scenarios=tuple(own),
        unselected=left_out,
        slow=slow,
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
