"""Where behave's events become the result model: a formatter that collects what each scenario showed,
and the console formatter that prints it as it goes."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave.formatter.base import Formatter, StreamOpener
from behave.model import Scenario, Step
from behave.model_type import Status

from support.evidence.redaction import Redactor
from support.report.console import Style, scenario_lines
from support.report.errors import describe, details
from support.report.masking import masked_scenario
from support.report.model import ScenarioFacts, ScenarioResult, StepResult, StepStatus
from support.terminal import say
from support.verdict import Verdict, classify

__all__ = ["RUN", "Collector", "ConsoleFormatter", "Incidents", "style_of"]


RUN = 0
"""The key of the whole run in Incidents.broken; no object has this `id`."""


@dataclass(kw_only=True)
class Incidents:
    """What happened to the run beside its sentences; the runner notes it, verdicts depend on it."""

    interrupted: str | None = None
    """The signal that ended the run early."""
    broken: dict[int, list[str]] = field(default_factory=dict)
    """Errors of hooks and cleanups by the `id` of their scenario or feature, or RUN: a scenario
    that could not run because of them has a broken bed."""
    problems: list[str] = field(default_factory=list)
    """Those among them that no verdict of a scenario may show."""


class Collector(Formatter):  # type: ignore[misc]
    """Turns every selected scenario into a ScenarioResult as soon as it is over.

    behave has no event for the end of a scenario: it is over when the next one begins, or when its
    feature ends. `settled` is called with the result of each that was begun.
    """

    def __init__(
        self,
        config: Any,
        *,
        selected: Sequence[Scenario],
        known_ids: frozenset[str],
        incidents: Incidents,
        redactor: Redactor,
        settled: Callable[[ScenarioResult], None],
    ) -> None:
        super().__init__(StreamOpener(stream=config.outputs[0].stream), config)
        self._selected = {id(scenario): scenario for scenario in selected}
        self._known_ids = known_ids
        self._incidents = incidents
        self._redactor = redactor
        self._settled = settled
        self._running: tuple[Scenario, int] | None = None
        self._ended: dict[int, int] = {}
        self._taken: dict[int, ScenarioResult] = {}
        self.results: list[ScenarioResult] = []

    def scenario(self, scenario: Scenario) -> None:
        self.settle()
        if id(scenario) in self._selected:
            self._running = (scenario, time.monotonic_ns())

    def result(self, step: Step) -> None:
        self._ended[id(step)] = time.monotonic_ns()

    def eof(self) -> None:
        self.settle()

    def close(self) -> None:
        self.settle()

    def finish(self) -> None:
        """Give the scenarios that the run never came to their verdict, too."""
        self.settle()
        for scenario in list(self._selected.values()):
            self._collect(scenario, began=0, seconds=0.0)

    def settle(self) -> None:
        """Take the scenario that ran last as over."""
        if self._running is not None:
            scenario, began = self._running
            self._running = None
            seconds = (time.monotonic_ns() - began) / 1e9
            self._settled(self._collect(scenario, began=began, seconds=seconds))

    def result_of(self, scenario: Scenario) -> ScenarioResult:
        """The result of a selected scenario; of one that the run has not come to, too."""
        self.settle()
        return self._taken.get(id(scenario)) or self._collect(scenario, began=0, seconds=0.0)

    def take(self, scenario: Scenario, result: ScenarioResult) -> None:
        """Take a scenario as over that was run elsewhere, with this result."""
        del self._selected[id(scenario)]
        self.results.append(result)
        self._settled(result)

    def verdict_on(self, scenario: Scenario, *, began: int = 0, seconds: float = 0.0) -> ScenarioResult:
        """What is known of a scenario by now, secrets masked."""
        facts: ScenarioFacts = getattr(scenario, "facts", None) or ScenarioFacts()
        status, reason = _verdict(scenario, facts, self._incidents)
        tags = {str(tag) for tag in scenario.effective_tags}
        shown = ScenarioResult(
            name=scenario.name.strip(),  # behave ends a row's name with that of its examples
            feature=scenario.feature.name,
            location=str(scenario.location),
            ids=tuple(sorted(self._known_ids & tags, key=_natural)),
            status=status,
            reason=reason,
            seconds=round(seconds, 4),
            measures=dict(facts.measures),
            evidence=facts.evidence,
            substitutes=facts.substitutes,
            spent=dict(facts.spent),
            steps=_steps(scenario, {key: (at - began) / 1e9 for key, at in self._ended.items()}),
            tags=tuple(sorted(tags - self._known_ids)),
            began=began,
            secrets=facts.secrets,
        )
        return masked_scenario(shown, self._redactor)

    def _collect(self, scenario: Scenario, *, began: int, seconds: float) -> ScenarioResult:
        del self._selected[id(scenario)]
        result = self.verdict_on(scenario, began=began, seconds=seconds)
        self._ended.clear()
        self._taken[id(scenario)] = result
        self.results.append(result)
        return result


class ConsoleFormatter(Formatter):  # type: ignore[misc]
    """The suite's own output: features, a line per scenario, and why it did not pass."""

    name = "acceptance"
    description = "Features, a verdict for each scenario, and why it did not pass"

    def __init__(self, stream_opener: StreamOpener, config: Any) -> None:
        super().__init__(stream_opener, config)
        self.stream = self.open()
        self._style = style_of(self.stream, config)
        self._announced: str | None = None

    def scenario(self, scenario: Scenario) -> None:
        """List the scenario in a dry run; what a real run prints comes with its verdict."""
        if self.config.dry_run and not scenario.should_skip:
            self._announce(scenario.feature.name, scenario.filename)
            self._print(self._style.text(f"  {scenario.name.strip()}  {scenario.location}"))

    def settled(self, result: ScenarioResult, *, reports: Path) -> None:
        """Print the verdict of a scenario that is over."""
        self._announce(result.feature, result.path)
        for line in scenario_lines(result, style=self._style, reports=reports):
            self._print(line)

    def _announce(self, feature: str, path: str) -> None:
        if self._announced != path:
            self._announced = path
            self._print(self._style.text(f"{feature}  {path}"))

    def _print(self, line: str) -> None:
        say(f"{line}\n", self.stream)


def style_of(stream: Any, config: Any) -> Style:
    """How to print on this stream: behave's --color and --no-color hold, by default a terminal has
    colours and nothing else has."""
    return Style(
        colour=config.has_colored_mode(stream),
        encoding=getattr(stream, "encoding", None) or "utf-8",
    )


def _verdict(scenario: Scenario, facts: ScenarioFacts, incidents: Incidents) -> tuple[Verdict, str | None]:
    """The verdict of a scenario and, unless it passed, the reason."""
    broken = facts.broken or "\n".join(incidents.broken.get(id(scenario), ()))
    if broken:
        return "broken", broken
    steps = list(scenario.all_steps)
    for step in steps:
        if isinstance(step.exception, KeyboardInterrupt):
            return "not verified", f"interrupted by {incidents.interrupted} at: {_sentence(step)}"
        if step.status is Status.undefined:
            return "broken", f"no step is defined for: {_sentence(step)}"
        if step.status is Status.pending:
            return "broken", f"the step is not implemented: {_sentence(step)}"
        if step.exception is not None:
            return classify(step.exception), describe(step.exception)
    if facts.not_verified:
        return "not verified", facts.not_verified
    if steps and all(step.status is Status.passed for step in steps):
        return "passed", None
    return _verdict_of_unfinished(scenario, incidents)


def _verdict_of_unfinished(scenario: Scenario, incidents: Incidents) -> tuple[Verdict, str]:
    """The verdict when no sentence failed, and not all of them held either."""
    if incidents.interrupted:
        return "not verified", f"not run: interrupted by {incidents.interrupted}"
    around = incidents.broken.get(RUN) or incidents.broken.get(id(scenario.feature))
    if around:
        return "broken", "\n".join(around)
    if scenario.should_skip:
        return "not verified", scenario.skip_reason or "skipped, and no reason was given"
    statuses = {step.status for step in scenario.all_steps}
    if not statuses:
        return "broken", "the scenario has no sentences, so it proves nothing"
    if Status.pending_warn in statuses:
        return "not verified", "a step of it is not implemented yet (@wip)"
    return "not verified", "not run: the run stopped before it"


def _steps(scenario: Scenario, ended: Mapping[int, float]) -> tuple[StepResult, ...]:
    results: list[StepResult] = []
    for step in scenario.all_steps:
        status = _step_status(step)
        if status == "not run" and scenario.should_skip and not _any_not_verified(results):
            status = "not verified"
        results.append(
            StepResult(
                keyword=step.keyword,
                text=step.name,
                status=status,
                seconds=round(step.duration, 4),
                error=details(step.exception) if step.exception is not None else None,
                ended=round(ended[id(step)], 4) if id(step) in ended and status != "not run" else None,
            )
        )
    return tuple(results)


def _any_not_verified(results: Sequence[StepResult]) -> bool:
    return any(result.status == "not verified" for result in results)


def _step_status(step: Step) -> StepStatus:
    if isinstance(step.exception, KeyboardInterrupt):
        return "not verified"
    if step.status is Status.passed:
        return "passed"
    if step.status in (Status.undefined, Status.pending):
        return "broken"
    if step.exception is not None:
        verdict = classify(step.exception)
        return verdict if verdict != "not covered" else "broken"
    return "not run"


def _sentence(step: Step) -> str:
    return f"{step.keyword} {step.name}"


def _natural(id_: str) -> list[int | str]:
    """A key that puts DEMO-05.2 before DEMO-05.10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", id_)]
