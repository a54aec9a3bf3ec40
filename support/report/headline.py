"""The result in one sentence, and what stands behind it: counts, substitutes, and the lists of what is
missing, alike on the page, in the summary and anywhere else."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from support.report.model import (
    CriterionResult,
    RequirementVerdict,
    RunResult,
    ScenarioResult,
    substitutes_of,
)
from support.verdict import Verdict

__all__ = ["VERDICTS", "Headline", "plural"]

VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "broken", "not verified", "not covered")


@dataclass(frozen=True)
class Headline:
    """What is said of a result before anything else is."""

    result: RunResult

    @cached_property
    def criteria(self) -> Mapping[Verdict, int]:
        """How many criteria came out how."""
        return _in_order(Counter(criterion.status for criterion in self.result.criteria))

    @cached_property
    def scenarios(self) -> Mapping[Verdict, int]:
        """How many scenarios came out how."""
        return _in_order(Counter(scenario.status for scenario in self.result.scenarios))

    @cached_property
    def requirements(self) -> Mapping[RequirementVerdict, int]:
        """How many requirements came out how."""
        counted = Counter(requirement.status for requirement in self.result.requirements)
        order: tuple[RequirementVerdict, ...] = ("passed", "partly verified", *VERDICTS[1:])
        return {status: counted[status] for status in order if counted[status]}

    @cached_property
    def substitutes(self) -> tuple[str, ...]:
        """What stood in for the real thing, in anything that counts."""
        return substitutes_of(self.result.scenarios)

    @property
    def verdict(self) -> RequirementVerdict:
        """The one word: what the whole result amounts to."""
        for status in ("failed", "broken"):
            if self.scenarios.get(status) or self.criteria.get(status):
                return "failed" if status == "failed" else "broken"
        if self.result.run.problems or self.result.run.interrupted:
            return "broken"
        if set(self.criteria) == {"passed"}:
            return "passed"
        return "partly verified" if self.criteria.get("passed") else "not verified"

    @property
    def sentence(self) -> str:
        """The headline itself."""
        all_, proven = len(self.result.criteria), self.criteria.get("passed", 0)
        failed, broken = self.criteria.get("failed", 0), self.criteria.get("broken", 0)
        shown = f"{proven} of {plural(all_, 'criterion', 'criteria')} proven"
        if failed:
            return f"{plural(failed, 'criterion', 'criteria')} failed; {shown}"
        if self.verdict == "failed":
            return f"{plural(self.scenarios['failed'], 'scenario', 'scenarios')} failed; {shown}"
        if broken or self.verdict == "broken":
            return f"The run itself had trouble, so its result is incomplete; {shown}"
        if proven == all_:
            return f"All {plural(all_, 'criterion is', 'criteria are')} proven"
        return f"{shown}, none failed"

    @property
    def shown_with(self) -> str:
        """What everything was shown with, in a sentence."""
        if not self.scenarios.get("passed") and not self.scenarios.get("failed"):
            return "Nothing was shown."
        if not self.substitutes:
            return "Shown on the real thing; nothing was substituted."
        return f"Shown with substitutes: {', '.join(self.substitutes)}."

    @property
    def uncovered(self) -> tuple[CriterionResult, ...]:
        """The criteria that no scenario names."""
        return tuple(c for c in self.result.criteria if c.status == "not covered")

    @property
    def open(self) -> tuple[tuple[str, tuple[CriterionResult, ...]], ...]:
        """The criteria that are not verified, by the reason."""
        reasons: dict[str, list[CriterionResult]] = {}
        for criterion in self.result.criteria:
            if criterion.status == "not verified":
                reasons.setdefault(criterion.reason or "no reason is given", []).append(criterion)
        return tuple((reason, tuple(criteria)) for reason, criteria in reasons.items())

    @property
    def to_look_at(self) -> Iterator[ScenarioResult]:
        """The scenarios that failed, then those with a broken bed."""
        for status in ("failed", "broken"):
            yield from (s for s in self.result.scenarios if s.status == status)


def plural(count: int, one: str, many: str) -> str:
    """The count with its noun: "1 criterion", "3 criteria"."""
    return f"{count} {one if count == 1 else many}"


def _in_order(counted: Counter[Verdict]) -> dict[Verdict, int]:
    return {status: counted[status] for status in VERDICTS if counted[status]}
