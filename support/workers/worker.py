"""The worker's side: behave's own run, on scenarios that come one at a time through a connection.

A worker is a fork of the run, so it has the features, the steps and the hooks already. Its hooks open what a
run owns, and all of that is the worker's alone. A feature stays open, with its stacks, for as long as the
next scenario is of the same one.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from behave.model import Feature, Scenario

from support.report.formatter import RUN, Collector, Incidents
from support.workers.messages import Ended, PlayedScenario, Reached
from support.workers.replay import Notes, played
from support.workers.schedule import Task

__all__ = ["Feed", "die_with", "rule_of"]

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with(parent: int) -> None:
    """Have this process killed when its parent ends; at once, if it has ended already. Main thread only.

    See prctl(2), PR_SET_PDEATHSIG.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def rule_of(scenario: Scenario) -> Any | None:
    """The Rule that a scenario, or the row of an outline, is part of."""
    part = scenario
    while part is not None and part.type != "rule":
        part = part.parent
    return part


class Feed:
    """Hands behave the features and scenarios that the run sends, and sends back what became of them."""

    def __init__(
        self,
        connection: Connection,
        runner: Any,
        *,
        features: Mapping[str, Feature],
        selected: Sequence[Scenario],
        collector: Collector,
        incidents: Incidents,
        notes: Notes,
    ) -> None:
        self._connection = connection
        self._runner = runner
        self._features = features
        self._selected = selected
        self._collector = collector
        self._incidents = incidents
        self._notes = notes
        self._task: Task | None = None
        self._dismissed = False
        self._told = (0, 0)
        for scenario in selected:
            vars(scenario).pop("run", None)  # what the run has put there in place of behave's

    def features(self) -> Iterator[Feature]:
        """The features of the tasks, each with the scenarios that come for it while it is open."""
        while not self._runner.aborted and (self._task or self._receive()):
            task = self._task
            assert task is not None
            feature = self._features[task.feature]
            feature.run_items = [self._item(task)]
            yield feature
            if self._task is task:  # the feature could not be opened, or the run is being stopped
                self._task = None
                self._send(self._run_of(task, failed=True))

    def reached(self, step: Any) -> None:
        """Say which sentence comes now."""
        scenario = self._runner.context.scenario
        message = Reached(name=scenario.name.strip(), sentence=f"{step.keyword} {step.name}")
        with suppress(OSError):  # the run is gone
            self._connection.send(message)

    def leave(self, *, failed: bool) -> None:
        """Say that this worker is done, and what is left to say of its task."""
        task, self._task = self._task, None
        self._send(self._run_of(task, failed=True) if task else (), left=True, failed=failed)

    def _receive(self) -> bool:
        if not self._dismissed:
            try:
                self._task = self._connection.recv()
            except EOFError:  # the run is gone
                self._task = None
            self._dismissed = self._task is None
        return self._task is not None

    def _item(self, task: Task) -> Any:
        """What behave runs for a task: its scenario, or the Rule that holds its scenarios."""
        scenario = self._selected[task.scenarios[0]]
        item = rule_of(scenario) or scenario
        item.run = partial(self._run, item, type(item).run, task)
        return item

    def _run(self, item: Any, run: Callable[[Any, Any], bool], task: Task, runner: Any) -> bool:
        runner.context._set_root_attribute("active_outline", getattr(item, "_row", None))
        failed = run(item, runner)
        del item.run
        self._collector.settle()
        self._task = None
        self._send(self._run_of(task, failed=failed))
        if not runner.aborted and not (failed and runner.config.stop) and self._receive():
            assert self._task is not None
            feature = self._features[self._task.feature]
            if self._task.feature == task.feature and not feature.hook_failed:
                feature.run_items.append(self._item(self._task))
        return failed

    def _run_of(self, task: Task, *, failed: bool) -> tuple[PlayedScenario, ...]:
        found = []
        for index in task.scenarios:
            scenario = self._selected[index]
            result = self._collector.result_of(scenario)
            found.append(played(scenario, index, result, failed=failed, attached=self._notes.attached))
        return tuple(found)

    def _send(
        self, scenarios: tuple[PlayedScenario, ...], *, left: bool = False, failed: bool = False
    ) -> None:
        broken, problems = self._incidents.broken.get(RUN, []), self._incidents.problems
        message = Ended(
            played=scenarios,
            broken=tuple(broken[self._told[0] :]),
            problems=tuple(problems[self._told[1] :]),
            aborted=bool(self._runner.aborted) and self._incidents.interrupted is None,
            left=left,
            failed=failed,
        )
        self._told = (len(broken), len(problems))
        sys.stdout.flush()
        sys.stderr.flush()
        with suppress(OSError):  # the run is gone
            self._connection.send(message)
