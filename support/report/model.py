"""The result of a run as data: what each scenario showed, and what that says of every criterion and
requirement. Renderers read it, `traceability` stores and loads it; nothing here knows of behave."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from support.verdict import Verdict

__all__ = [
    "Changed",
    "CriterionResult",
    "Past",
    "RequirementResult",
    "RequirementVerdict",
    "RunInfo",
    "RunResult",
    "ScenarioFacts",
    "ScenarioResult",
    "StepResult",
    "StepStatus",
    "Strength",
    "deciding",
    "substitutes_of",
    "verdict_text",
    "weight",
    "worst",
]

StepStatus: TypeAlias = Literal["passed", "failed", "broken", "not verified", "not run"]
RequirementVerdict: TypeAlias = Verdict | Literal["partly verified"]
Gate: TypeAlias = Literal["default", "all"]

# From worst to best. A failure outranks a broken bed: what was shown to be wrong stays wrong.
_WORST_FIRST: tuple[Verdict, ...] = ("failed", "broken", "not verified", "not covered", "passed")


@dataclass(frozen=True, kw_only=True)
class ScenarioFacts:
    """What the bed knows of a scenario and behave does not.

    The hooks leave it at `scenario.facts`. `measures` and `spent` are in seconds, `evidence` holds
    paths relative to the reports directory. `broken` wins over a failed step, for what a broken bed
    shows says nothing of the operator.
    """

    measures: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    spent: Mapping[str, float] = field(default_factory=dict)
    substitutes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    not_verified: str | None = None
    broken: str | None = None


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """One sentence: `error` is the whole text of what went wrong, a traceback where one helps.

    `ended` is in seconds since its scenario began, None for one that was not run.
    """

    keyword: str
    text: str
    status: StepStatus
    seconds: float
    error: str | None = None
    ended: float | None = None

    @property
    def sentence(self) -> str:
        return f"{self.keyword} {self.text}"


@dataclass(frozen=True, kw_only=True)
class ScenarioResult:
    """One selected scenario, an outline's row counting as one.

    `ids` are the requirements and criteria it is tagged with; `location` is `path:line`; `reason`
    says why it did not pass. `seconds` is wall time, hooks included. `began` is in monotonic
    nanoseconds, as the times of its evidence are. `tags` are those that are no ids. `secrets` says of
    each secret that was masked in its evidence where it came from. `run` names the run it is from,
    where there are several.
    """

    name: str
    feature: str
    location: str
    ids: tuple[str, ...]
    status: Verdict
    reason: str | None
    seconds: float
    measures: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    substitutes: tuple[str, ...] = ()
    spent: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[StepResult, ...] = ()
    tags: tuple[str, ...] = ()
    began: int = 0
    secrets: tuple[str, ...] = ()
    run: str = ""

    @property
    def path(self) -> str:
        return self.location.rpartition(":")[0]

    @property
    def line(self) -> int:
        return int(self.location.rpartition(":")[2])

    @property
    def failing_step(self) -> StepResult | None:
        """The first sentence that did not hold, if it was a sentence that failed."""
        return next((step for step in self.steps if step.status not in ("passed", "not run")), None)


@dataclass(frozen=True, kw_only=True)
class Past:
    """What an earlier run said of a criterion, and on what: its commit, stack, model and operator."""

    started: str
    status: Verdict
    on: str


@dataclass(frozen=True, kw_only=True)
class Changed:
    """The text of a criterion when it last passed, and when that was (RFC 3339)."""

    text: str
    verified: str


@dataclass(frozen=True, kw_only=True)
class Strength:
    """Which sabotages the criterion was tried by: those that were caught, those that it missed, and those
    that made it red and should not have. `why` says why it is not proven. `proved` is RFC 3339."""

    caught: tuple[str, ...]
    missed: tuple[str, ...]
    wrongly_red: tuple[str, ...]
    why: str | None
    proved: str
    commit: str | None
    operator: str


@dataclass(frozen=True, kw_only=True)
class CriterionResult:
    """One criterion and the scenarios that were run for it, the one that counts most first.

    `unselected` are the locations of those that exist and were not selected, `slow` those of them that
    are left out unless they are asked for: where there are others the criterion does not wait for them.
    `past` are earlier verdicts, the latest first; `flaky` says that unchanged code has both passed and
    failed. `changed` is there when the text is another than when it last passed, `strength` when it was
    tried by sabotages.
    """

    id: str
    text: str
    status: Verdict
    reason: str | None
    scenarios: tuple[ScenarioResult, ...]
    unselected: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()
    past: tuple[Past, ...] = ()
    flaky: bool = False
    changed: Changed | None = None
    strength: Strength | None = None


@dataclass(frozen=True, kw_only=True)
class RequirementResult:
    """One requirement; `scenarios` are those tagged with the requirement and none of its criteria."""

    id: str
    title: str
    status: RequirementVerdict
    criteria: tuple[CriterionResult, ...]
    scenarios: tuple[ScenarioResult, ...] = ()
    statement: str = ""
    source: str = ""

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many criteria came out how, the passed ones first."""
        counted = Counter(criterion.status for criterion in self.criteria)
        return {verdict: counted[verdict] for verdict in _BEST_FIRST if counted[verdict]}

    @property
    def all_scenarios(self) -> tuple[ScenarioResult, ...]:
        return self.scenarios + tuple(s for c in self.criteria for s in c.scenarios)


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """The run itself.

    `started` is RFC 3339 in UTC. `spent` sums up to `seconds`, or to what all workers together took when
    scenarios ran side by side: waiting for the operator, working on the stack, and all the rest, which is
    the harness. `interrupted` names the signal. `problems`
    are errors of hooks and cleanups that belong to no scenario; any of them makes the run red.
    `secrets` says of each secret that was masked in all this where it came from.
    `commit` names the code that was run, `code` is a digest of it with its uncommitted changes.
    """

    started: str
    seconds: float
    command: tuple[str, ...]
    stack: str
    model: str
    operator: str
    versions: Mapping[str, str]
    spent: Mapping[str, float]
    interrupted: str | None = None
    problems: tuple[str, ...] = ()
    name: str = ""
    commit: str | None = None
    code: str | None = None
    machine: str = ""
    gate: Gate = "default"
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """All that a run showed; `unassigned` are the scenarios that name no requirement.

    `runs` are the single runs where several were joined to this result, and empty otherwise.
    """

    run: RunInfo
    requirements: tuple[RequirementResult, ...]
    unassigned: tuple[ScenarioResult, ...] = ()
    runs: tuple[RunInfo, ...] = ()

    @property
    def criteria(self) -> tuple[CriterionResult, ...]:
        """All criteria of all requirements."""
        return tuple(criterion for requirement in self.requirements for criterion in requirement.criteria)

    @cached_property
    def scenarios(self) -> tuple[ScenarioResult, ...]:
        """Every scenario of every run once, in the order of the feature files."""
        assigned = (s for requirement in self.requirements for s in requirement.all_scenarios)
        by_place = {(s.run, s.location): s for s in (*assigned, *self.unassigned)}
        return tuple(sorted(by_place.values(), key=lambda s: (s.path, s.line, s.run)))


_BEST_FIRST: tuple[Verdict, ...] = ("passed", "failed", "broken", "not verified", "not covered")


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; "not covered" when there is none."""
    found = set(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in found), "not covered")


def deciding(scenarios: Iterable[ScenarioResult]) -> tuple[ScenarioResult, ...]:
    """Of each scenario the run of it that counts, when several runs were joined.

    A failure counts whatever else was shown; then the best evidence: a pass with the fewest substitutes.
    """
    best: dict[str, ScenarioResult] = {}
    for scenario in scenarios:
        other = best.get(scenario.location)
        if other is None or weight(scenario) < weight(other):
            best[scenario.location] = scenario
    return tuple(best.values())


def weight(scenario: ScenarioResult) -> tuple[int, int]:
    """A key that puts the scenario first that says most of a criterion."""
    order: tuple[Verdict, ...] = ("failed", "passed", "broken", "not verified", "not covered")
    return order.index(scenario.status), len(scenario.substitutes)


def substitutes_of(scenarios: Iterable[ScenarioResult]) -> tuple[str, ...]:
    """The substitutes that what counts was shown with, in the order they are first named."""
    return tuple(dict.fromkeys(name for s in deciding(scenarios) for name in s.substitutes))


def verdict_text(status: RequirementVerdict, substitutes: Iterable[str] = ()) -> str:
    """The verdict as it is printed: one that was shown with substitutes names them.

    "passed (model double)"; but a plain "not covered", for nothing was shown with anything.
    """
    named = ", ".join(substitutes)
    shown = status in ("passed", "failed", "partly verified")
    return f"{status} ({named})" if named and shown else status
