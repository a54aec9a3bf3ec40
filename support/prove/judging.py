"""What the report of a run against a sabotage says of the suite."""

from collections.abc import Iterator, Sequence

from support.prove.matrix import Outcome, Tried
from support.prove.plan import Try
from support.report.model import CriterionResult, RunResult, ScenarioResult

__all__ = ["judge", "no_report"]


def judge(try_: Try, result: RunResult, *, seconds: float) -> list[Tried]:
    """What came of a try, by criterion."""
    criteria = {criterion.id: criterion for criterion in result.criteria}
    judging = _must_break if try_.must == "break" else _must_leave
    return list(_tried(try_, seconds, {id_: judging(try_, criteria[id_]) for id_ in try_.criteria}))


def no_report(try_: Try, why: str, *, seconds: float) -> list[Tried]:
    """What came of a try whose run left no report."""
    return list(_tried(try_, seconds, dict.fromkeys(try_.criteria, ("broken", why, ""))))


_Judged = tuple[Outcome, str, str]
_LONGEST = 4000
"""Characters of what was seen that are kept; the rest is in the reports of the try."""


def _tried(try_: Try, seconds: float, judged: dict[str, _Judged]) -> Iterator[Tried]:
    for criterion, (outcome, saw, scenario) in judged.items():
        yield Tried(
            sabotage=try_.name,
            criterion=criterion,
            must=try_.must,
            outcome=outcome,
            saw=saw[:_LONGEST],
            scenario=scenario,
            seconds=round(seconds / len(judged), 3),
        )


def _must_break(try_: Try, criterion: CriterionResult) -> _Judged:
    words = try_.sabotage.breaks[criterion.id]
    acted = [s for s in criterion.scenarios if f"sabotage: {try_.sabotage.title}" in s.substitutes]
    for scenario in _of(acted, "failed"):
        if words in (scenario.reason or ""):
            return "caught", scenario.reason or "", scenario.location
    if not acted:
        return _never_acted(criterion)
    for scenario in _of(acted, "failed"):
        return "missed", f"red, but not for {words!r}: {scenario.reason}", scenario.location
    for scenario in _of(criterion.scenarios, "broken"):
        return "broken", scenario.reason or "", scenario.location
    return "missed", "green, though the sabotage was at work", acted[0].location


def _never_acted(criterion: CriterionResult) -> _Judged:
    for scenario in _of(criterion.scenarios, "broken"):
        return "broken", scenario.reason or "", scenario.location
    for scenario in _of(criterion.scenarios, "not verified"):
        return "not applicable", scenario.reason or "", scenario.location
    return "not applicable", f"it did not take effect; {criterion.id} is {criterion.status}", ""


def _must_leave(try_: Try, criterion: CriterionResult) -> _Judged:
    for scenario in _of(criterion.scenarios, "failed"):
        return "wrongly red", scenario.reason or "", scenario.location
    for scenario in _of(criterion.scenarios, "broken"):
        return "broken", scenario.reason or "", scenario.location
    for scenario in _of(criterion.scenarios, "passed"):
        return "left green", "", scenario.location
    return "not applicable", criterion.reason or "", ""


def _of(scenarios: Sequence[ScenarioResult], status: str) -> list[ScenarioResult]:
    return [scenario for scenario in scenarios if scenario.status == status]
