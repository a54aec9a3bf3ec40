"""What one scenario owns: its operator, its model, its fault, its evidence, and a stack it borrows.

    async with open_bed(run, room, name) as bed:
        await bed.borrow_stack("ratelimiter")
        await bed.start_operator()
        await bed.inject(OverLimit(bed.stack, key="checkout", limit=10, by=5))

However the block is left, the operator is stopped, the fault is healed, the steady state is verified
(or the stack discarded) and the evidence is on disk.
"""

import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup
from hamcrest.core.matcher import Matcher

from support.evidence.eventually import eventually, expect
from support.evidence.matchers import a_line_that, a_number_up_to
from support.evidence.records import copy_database
from support.evidence.repair import Repair, first_repair
from support.evidence.spent import Spent
from support.evidence.timeline import Timeline, measures
from support.evidence.watch import RecordsWatch
from support.faults.fault import Fault
from support.model import ModelDouble, on_call_engineer
from support.operator import Operator
from support.report.model import ScenarioFacts
from support.run import FeatureRoom, Run
from support.stacks.ratelimiter import RateLimiterStack
from support.stacks.shared import STEADY_WITHIN
from support.stacks.stack import Change, NotSteady
from support.stay import Stay, stay
from support.supervisor import Line
from support.verdict import BrokenBed

T = TypeVar("T")

_SHOWN_WITHIN = 30.0
_CLOSE_WITHIN = 60.0


@dataclass(frozen=True, kw_only=True)
class Injected:
    """A fault that is in place: since when (seconds since the epoch), and how things stood before it."""

    fault: Fault
    wall: float
    untouched: Mapping[str, str]


class TestBed:
    """The bed of one scenario; made by `open_bed`, handed to every step."""

    __test__ = False  # pytest would take it for a test

    def __init__(self, run: Run, room: FeatureRoom, evidence: Path, tasks: TaskGroup) -> None:
        self.evidence = evidence
        self.timeline = Timeline(evidence / "timeline.ndjson", redactor=run.redactor)
        self.spent = Spent()
        self.seen: dict[str, Any] = {}
        """What a sentence saw and a later one speaks of."""
        self._run = run
        self._clean = len(run.redactor.hits)
        self._room = room
        self._tasks = tasks
        self._broken: str | None = None
        self._stack: RateLimiterStack | None = None
        self._operator: Operator | None = None
        self._hosted: Stay[Operator] | None = None
        self._model: ModelDouble | None = None
        self._injected: Injected | None = None

    @property
    def stack(self) -> RateLimiterStack:
        """The stack of this scenario. Raises BrokenBed when it has borrowed none."""
        return _present(self._stack, "borrowed no stack")

    @property
    def operator(self) -> Operator:
        """The operator of this scenario. Raises BrokenBed when it has started none."""
        return _present(self._operator, "started no operator")

    @property
    def injected(self) -> Injected:
        """The fault of this scenario. Raises BrokenBed when it has injected none."""
        return _present(self._injected, "injected no fault")

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change made to the stack since the fault was in place, oldest first."""
        return tuple(c for c in self.stack.changes if c.wall > self.injected.wall)

    async def borrow_stack(self, subject: str) -> None:
        """Get a stack in its steady state. Raises BrokenBed when none can be had."""
        with self.spent.on("stack"):
            stack = await self._room.stacks.borrow(subject)
        if not isinstance(stack, RateLimiterStack):
            raise BrokenBed(f"no sentence can speak of a stack for subject {subject} yet")
        self._stack = stack
        self.timeline.record("stack.steady")

    async def start_operator(self, *, agent: bool = True) -> None:
        """Start monitor and agent, or the monitor alone, and return when they are ready."""
        hosted = await stay(self._tasks, self._host_operator())
        self._hosted, self._operator = hosted, hosted.value
        await hosted.value.start(agent=agent)
        self._tasks.start_soon(self._note_violations, hosted.value)

    @asynccontextmanager
    async def _host_operator(self) -> AsyncIterator[Operator]:
        """A model, an empty database and a supervisor for one operator, and the watch on its records."""
        sabotage = self._run.sabotage
        profile = sabotage.profile(self._run.profile) if sabotage else self._run.profile
        script = (sabotage.script if sabotage else None) or on_call_engineer
        async with (
            ModelDouble(
                script, evidence=self.evidence / "model.jsonl", redactor=self._run.redactor
            ) as self._model,
            self._run.supervisor(self.evidence, on_event=self._process_event) as supervisor,
        ):
            operator = Operator(
                profile,
                supervisor,
                subject=self.stack.subject,
                directory=self._run.directory("b"),
                endpoints={**self.stack.environment, "ANTHROPIC_BASE_URL": self._model.url},
                spent=self.spent,
            )
            watch = RecordsWatch(operator.database, self.timeline)
            self._tasks.start_soon(watch.run)
            yield operator

    async def inject(self, fault: Fault) -> None:
        """Break the stack, and return when the stack itself shows it. Raises BrokenBed when it never does."""
        with self.spent.on("stack"):
            await fault.prepare()
            untouched = await fault.untouched()
            self._injected = Injected(fault=fault, wall=float("inf"), untouched=untouched)
            await fault.inject()
            self._injected = Injected(fault=fault, wall=time.time(), untouched=untouched)
            self.timeline.record("fault.injected", fault=fault.title)
            with anyio.move_on_after(_SHOWN_WITHIN) as limit:
                while not await fault.shown():  # noqa: ASYNC110 - a cluster announces nothing
                    await anyio.sleep(0.01)
            if limit.cancelled_caught:
                raise BrokenBed(f"{fault.title}: the stack does not show it after {_SHOWN_WITHIN:g} s")
            self.timeline.record("fault.shown", fault=fault.title)

    async def until(
        self, observe: Callable[[], T | Awaitable[T]], matcher: Matcher[Any], *, within: float
    ) -> T:
        """Wait until what is observed matches.

        Raises AssertionError after `within` seconds, or at once when a process of the operator has died.
        """

        def observe_the_living() -> T | Awaitable[T]:
            if self._operator is not None:
                self._operator.expect_alive()
            return observe()

        with self.spent.on("waiting"):
            return await eventually(observe_the_living, matcher, within=within)

    async def violation_reported(self, *, within: float) -> None:
        """Wait for the monitor to report a violation, at most `within` seconds after the stack showed it."""

        def reported() -> float | None:
            return measures(self.timeline.events).get("time_to_detect")

        patience = within + self._run.profile.timing.interval
        await self.until(reported, a_number_up_to(within, "seconds"), within=patience)

    def expect_passing(self, check: Line) -> None:
        """Raise AssertionError unless this line of the monitor reports that all is passing."""
        expect(
            check.text, a_line_that("reports that all is passing", self.operator.profile.output.healthy_check)
        )

    async def recovered(self, *, within: float) -> None:
        """Wait until the stack is in its steady state again; raise AssertionError when it is not."""
        with self.spent.on("waiting"):
            try:
                await self.stack.steady(within=within)
            except NotSteady as error:
                raise AssertionError(str(error)) from error
        self.timeline.record("stack.steady")

    def repair(self) -> Repair:
        """The first change to the stack since the fault, and the tool call behind it.

        Raises AssertionError when there is no change, or no tool call on record that can have made it.
        """
        return first_repair(self.operator.records(), self.changes)

    def facts(self, reports: Path) -> ScenarioFacts:
        """What this bed adds to the result of its scenario; evidence is named relative to `reports`."""
        unanswered = self._model.unanswered if self._model else ()
        broken = self._broken or ("; ".join(unanswered) or None)
        return ScenarioFacts(
            measures=measures(self.timeline.events),
            evidence=tuple(
                str(path.relative_to(reports))
                for path in sorted(self.evidence.rglob("*"))
                if path.is_file() and path.suffix != ".index"
            ),
            spent=self.spent.seconds(),
            substitutes=("model double",) if self._model else (),
            secrets=self._run.redactor.found_since(self._clean),
            broken=broken,
        )

    async def close(self) -> None:
        """Stop the operator, heal the fault, verify the stack or discard it, and keep the records."""
        try:
            if self._hosted is not None:
                await self._hosted.leave()
            if self._operator is not None and self._operator.database.exists():
                with suppress(sqlite3.DatabaseError):  # a broken one is of no use as evidence
                    copy_database(
                        self._operator.database, self.evidence / "tickets.db", redactor=self._run.redactor
                    )
            if self._injected is not None:
                with self.spent.on("stack"):
                    await self._heal(self._injected.fault, self.stack)
        finally:
            self.timeline.close()

    async def _heal(self, fault: Fault, stack: RateLimiterStack) -> None:
        try:
            with anyio.fail_after(_CLOSE_WITHIN):
                await fault.heal()
            self.timeline.record("fault.healed", fault=fault.title)
            await stack.steady(within=STEADY_WITHIN)
        except NotSteady:
            await self._room.stacks.discard(stack)
        except Exception as error:  # a heal may fail in any way; none may leak into the next scenario
            self._broken = f"the fault could not be healed: {type(error).__name__}: {error}"
            self.timeline.record("bed.broken", reason=self._broken)
            await self._room.stacks.discard(stack)

    async def _note_violations(self, operator: Operator) -> None:
        async for line in operator.violations():
            self.timeline.record("violation.reported", at=line.at, line=line.text)

    def _process_event(self, kind: str, process: str, detail: Mapping[str, object]) -> None:
        if kind in ("process.started", "process.exited"):
            self.timeline.record(kind, process=process, **detail)  # type: ignore[arg-type]


@asynccontextmanager
async def open_bed(run: Run, room: FeatureRoom, name: str) -> AsyncIterator[TestBed]:
    """Open the bed of one scenario, whose evidence goes into the directory `name` of its feature's."""
    evidence = room.evidence / name
    evidence.mkdir(parents=True, exist_ok=True)
    async with anyio.create_task_group() as tasks:
        bed = TestBed(run, room, evidence, tasks)
        try:
            yield bed
        finally:
            with anyio.CancelScope(shield=True):
                await bed.close()
            tasks.cancel_scope.cancel()


def _present(value: T | None, missing: str) -> T:
    if value is None:
        raise BrokenBed(f"this scenario has {missing}")
    return value
