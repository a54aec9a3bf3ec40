"""A run of behave whose scenarios are run by workers, and which shows them in the order of the features.

behave goes through the features as ever, with its formatters and reporters; running a scenario means waiting
here until a worker has run it.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from behave.model import Scenario
from behave.model_type import Status

from support.report.formatter import RUN, Collector, Incidents
from support.terminal import say
from support.workers.crew import Crew, Past
from support.workers.durations import Durations
from support.workers.messages import Ended, PlayedScenario
from support.workers.progress import AtWork, Progress, State
from support.workers.replay import played, replay
from support.workers.schedule import Schedule, Task
from support.workers.worker import rule_of

__all__ = ["SideBySide", "tasks_of"]

_ALONE = "serial"


class SideBySide:
    """Has the scenarios of a run done by a crew; `begin` is what a worker does, and ends it."""

    def __init__(
        self,
        runner: Any,
        *,
        selected: Sequence[Scenario],
        jobs: int,
        bears_more: Callable[[int], bool],
        durations: Durations,
        collector: Collector,
        incidents: Incidents,
        begin: Callable[[Connection], NoReturn],
        progress: Progress,
    ) -> None:
        self._runner = runner
        self._began = time.monotonic()
        self.gained = 0.0
        """Seconds that the workers took beyond those that passed."""
        self._selected = selected
        self._collector = collector
        self._incidents = incidents
        self._progress = progress
        self._done = 0
        self._red: list[str] = []
        self._crew = Crew(
            Schedule(tasks_of(selected, durations), jobs=jobs),
            jobs=jobs,
            bears_more=bears_more,
            begin=begin,
            heard=self._heard,
            died=self._died,
        )
        for index, scenario in enumerate(selected):
            scenario.run = partial(self._run, index)

    @property
    def failed(self) -> bool:
        """Whether a worker's run of behave failed."""
        return self._crew.failed

    def interrupt(self, number: int) -> None:
        """Pass a signal on to the workers; for a signal handler."""
        self._crew.interrupt(number)

    def close(self) -> None:
        """Wait for the workers' end, and show what they have run and behave has not come to."""
        left = self._crew.close()
        self._progress.clear()
        for index, past in sorted(left.items()):
            self._show(self._selected[index], past)
        self.gained = self._crew.worked - (time.monotonic() - self._began)
        if self._crew.printed and self._incidents.interrupted is None:
            say(self._crew.printed, sys.stdout)

    def _run(self, index: int, runner: Any) -> bool:
        """What behave runs in place of the scenario. Returns whether it failed."""
        past = self._crew.wait_for(index, meanwhile=self._show_progress)
        self._progress.clear()
        if past is None:
            return False
        scenario = self._selected[index]
        replay(scenario, past.played, runner)
        self._show(scenario, past)
        return past.played.failed

    def _show(self, scenario: Scenario, past: Past) -> None:
        if past.printed:
            say(past.printed, sys.stdout)
        self._collector.take(scenario, past.played.result)

    def _show_progress(self) -> None:
        self._progress.show(self._state)

    def _state(self) -> State:
        at_work = (
            AtWork(
                name=reached.name if reached else self._selected[task.scenarios[0]].name.strip(),
                sentence=reached.sentence if reached else "being prepared",
                seconds=seconds,
            )
            for task, reached, seconds in self._crew.at_work()
        )
        return State(
            total=len(self._selected),
            done=self._done,
            red=tuple(self._red),
            at_work=tuple(at_work),
            to_go=self._crew.to_go(),
        )

    def _heard(self, message: Ended) -> None:
        self._done += len(message.played)
        self._red += [
            f"{played.result.status} {played.result.name}"
            for played in message.played
            if played.result.status in ("failed", "broken")
        ]
        broken = self._incidents.broken.setdefault(RUN, [])
        broken.extend(reason for reason in message.broken if reason not in broken)
        known = self._incidents.problems
        known.extend(problem for problem in message.problems if problem not in known)
        if message.aborted:
            self._runner.abort()
        if self._runner.aborted or (self._runner.config.stop and any(p.failed for p in message.played)):
            self._crew.stop()

    def _died(self, task: Task, reason: str) -> tuple[PlayedScenario, ...]:
        """The scenarios of a task whose worker is gone: each has a broken bed."""
        if self._runner.config.stop:
            self._crew.stop()
        scenarios = [(index, self._selected[index]) for index in task.scenarios]
        for _, scenario in scenarios:
            self._incidents.broken.setdefault(id(scenario), []).append(reason)
            scenario.error_message = reason
            scenario.set_status(Status.error)
        return tuple(
            played(s, index, self._collector.verdict_on(s), failed=True, attached={})
            for index, s in scenarios
        )


def tasks_of(selected: Iterable[Scenario], durations: Durations) -> list[Task]:
    """What can be handed out by itself: scenarios and, where there are any, whole Rules."""
    found: dict[int, list[int]] = {}
    scenarios = list(selected)
    for index, scenario in enumerate(scenarios):
        found.setdefault(id(rule_of(scenario) or scenario), []).append(index)
    return [
        Task(
            feature=scenarios[indices[0]].feature.filename,
            scenarios=tuple(indices),
            seconds=sum(durations.of(str(scenarios[i].filename), scenarios[i].name.strip()) for i in indices),
            serial=any(_ALONE in scenarios[i].effective_tags for i in indices),
        )
        for indices in found.values()
    ]
