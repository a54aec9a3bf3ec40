"""A scenario that a worker has run, shown to the formatters and reporters of the run as behave would have.

`played` takes down what is needed in the worker; `replay` shows it in the run, in the order of the features.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from behave.formatter.base import Formatter, StreamOpener
from behave.matchers import NoMatch
from behave.model import Scenario, Step
from behave.model_type import Status

from support.report.model import ScenarioResult
from support.workers.messages import PlayedScenario, PlayedStep

__all__ = ["Notes", "played", "replay"]


class Notes(Formatter):  # type: ignore[misc]
    """Takes down which steps formatters are told of, and what steps attach, by the `id` of the step."""

    def __init__(self, config: Any) -> None:
        super().__init__(StreamOpener(stream=config.outputs[0].stream), config)
        self.attached: dict[int, list[tuple[str, bytes]]] = {}
        """Of each step that formatters were told of, what it attached."""
        self._waiting: list[tuple[str, bytes]] = []

    def embedding(self, mime_type: str, data: bytes) -> None:
        self._waiting.append((mime_type, bytes(data)))

    def result(self, step: Step) -> None:
        self.attached[id(step)] = self._waiting
        self._waiting = []


def played(
    scenario: Scenario,
    index: int,
    result: ScenarioResult,
    *,
    failed: bool,
    attached: Mapping[int, Sequence[tuple[str, bytes]]],
) -> PlayedScenario:
    """Take down a scenario that has just been run; `attached` is that of its Notes."""
    return PlayedScenario(
        index=index,
        result=result,
        failed=failed,
        status=scenario.status.name,
        hook_failed=scenario.hook_failed,
        skip_reason=scenario.skip_reason if scenario.should_skip else None,
        error_message=scenario.error_message,
        captured=tuple(scenario.captured.captures),
        steps=tuple(
            PlayedStep(
                status=step.status.name,
                duration=step.duration,
                error_message=step.error_message,
                error=(type(step.exception).__name__, str(step.exception)) if step.exception else None,
                captured=tuple(step.captured.captures),
                told=id(step) in attached,
                attached=tuple(attached.get(id(step), ())),
            )
            for step in scenario.all_steps
        ),
    )


def replay(scenario: Scenario, past: PlayedScenario, runner: Any) -> None:
    """Leave the scenario as the worker left it, and tell the formatters of the run all about it."""
    for formatter in runner.formatters:
        formatter.scenario(scenario)
    steps = list(scenario.all_steps)
    for step in steps:
        for formatter in runner.formatters:
            formatter.step(step)
    for step, was in zip(steps, past.steps, strict=True):
        _replay_step(step, was, runner)
    scenario.hook_failed = past.hook_failed
    scenario.error_message = past.error_message
    scenario.captured.captures.extend(past.captured)
    if past.skip_reason is not None:
        scenario.should_skip, scenario.skip_reason = True, past.skip_reason
    scenario.set_status(Status[past.status])


def _replay_step(step: Step, was: PlayedStep, runner: Any) -> None:
    step.status = Status[was.status]
    step.duration = was.duration
    step.error_message = was.error_message
    step.captured.captures.extend(was.captured)
    if was.error is not None:
        name, text = was.error
        step.exception = type(name, (Exception,), {})(text)
    if not was.told:
        return
    match = runner.step_registry.find_match(step)
    if match is None:
        runner.undefined_steps.append(step)
    for formatter in runner.formatters:
        formatter.match(match or NoMatch())
        for mime_type, data in was.attached:
            if hasattr(formatter, "embedding"):
                formatter.embedding(mime_type, data)
        formatter.result(step)
