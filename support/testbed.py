"""What one scenario owns: its operator, its model, its fault, its evidence, and a stack it borrows.

    async with open_bed(run, room, name) as bed:
        await bed.borrow_stack("ratelimiter")
        await bed.start_operator()
        await bed.inject(OverLimit(bed.stack, key="checkout", limit=10, by=5))

However the block is left, the operator is stopped, the fault is healed, the steady state is verified
(or the stack discarded) and the evidence is on disk.
"""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup
from hamcrest.core.matcher import Matcher

from support.breakage import Breakage, Injected
from support.demonstration import Demonstration
from support.evidence.clock import WallClock
from support.evidence.eventually import eventually, expect
from support.evidence.matchers import a_line_that, a_number_up_to
from support.evidence.records import copy_database
from support.evidence.redaction import Hit
from support.evidence.repair import Repair, first_repair
from support.evidence.spent import Spent
from support.evidence.timeline import Timeline, measures
from support.faults.fault import Expected, Fault
from support.hosting import Hosting
from support.model import Model, ModelDouble, Script
from support.operator import Operator
from support.profile import Profile
from support.report.model import ScenarioFacts
from support.run import ONLY_DOUBLE, FeatureRoom, Run
from support.stacks.stack import Change, NotSteady, Stack
from support.stay import Stay, stay
from support.suite import SuiteRun
from support.supervisor import Line
from support.verdict import BrokenBed, NotVerified

T = TypeVar("T")

_TIMED = ("counter_drift", "high_latency")
"""Invariants that are violated only by what lasts."""
_WORKED_WITHIN = 30.0
_REAL_MODEL_WITHIN = 600.0


class TestBed:
    """The bed of one scenario; made by `open_bed`, handed to every step."""

    __test__ = False  # pytest would take it for a test

    def __init__(self, run: Run, room: FeatureRoom, evidence: Path, tasks: TaskGroup) -> None:
        self.evidence = evidence
        self.timeline = Timeline(evidence / "timeline.ndjson", redactor=run.redactor)
        self.spent = Spent()
        self._clock = WallClock()
        self.seen: dict[str, Any] = {}
        """What a sentence saw and a later one speaks of."""
        self.script: Script | None = None
        """What the model is to say in this scenario; None: what a competent engineer would."""
        self.limits: dict[str, str] = {}
        """Limits that the operator is given, by the names that a profile knows."""
        self._run = run
        self._clean = len(run.redactor.hits)
        self._room = room
        self._tasks = tasks
        self._broken: str | None = None
        self._stack: Stack | None = None
        self._operator: Operator | None = None
        self._shortened = False
        self._breakage = Breakage(self.timeline, self.spent)
        self._hosting = Hosting(run, evidence, self.timeline, self.spent, tasks)
        self._kept: list[Stay[Any]] = []

    @property
    def stack(self) -> Stack:
        """The stack of this scenario. Raises BrokenBed when it has borrowed none."""
        return _present(self._stack, "borrowed no stack")

    @property
    def operator(self) -> Operator:
        """The operator of this scenario. Raises BrokenBed when it has started none."""
        return _present(self._operator, "started no operator")

    @property
    def model(self) -> Model:
        """The model of this scenario's operator. Raises BrokenBed when it has started none."""
        return _present(self._hosting.model, "started no operator")

    @property
    def double(self) -> ModelDouble:
        """The model double. Raises NotVerified when the model is another one."""
        if not isinstance(self.model, ModelDouble):
            raise NotVerified(ONLY_DOUBLE)
        return self.model

    @property
    def profile(self) -> Profile:
        """The profile of the operator under test."""
        return self._run.profile

    @property
    def patience(self) -> float:
        """Seconds that an agent may take over a ticket: a real model thinks for longer."""
        return _REAL_MODEL_WITHIN if self._run.settings.model in ("live", "record") else _WORKED_WITHIN

    @property
    def step_limit(self) -> float:
        """Seconds after which a sentence is given up."""
        return max(120.0, self.patience + 60)

    def expect_real_model(self) -> None:
        """Raise NotVerified unless the model is a real one, or gives the answers of a real one."""
        bad = self._run.sabotage
        if self._run.settings.model == "double" and not (bad and bad.sabotage.real_model):
            raise NotVerified(
                "the model double knows what to do: a real model is asked with -D model=live, "
                "a key and -D allow_host_shell=yes"
            )

    @property
    def leaks(self) -> tuple[Hit, ...]:
        """The secrets that have been seen since this bed was opened, wherever."""
        return self._run.redactor.hits[self._clean :]

    def search_for_secrets(self, text: str, source: str) -> None:
        """Add what secrets there are in `text` to the leaks."""
        self._run.redactor.text(text, source)

    @property
    def injected(self) -> Injected:
        """The latest faults of this scenario. Raises BrokenBed when it has injected none."""
        return _present(self._breakage.injected, "injected no fault")

    @property
    def fault(self) -> Fault:
        """The latest fault of this scenario. Raises BrokenBed when it has injected none."""
        return self.injected.faults[-1]

    @property
    def expected(self) -> Expected:
        """What the operator has to find of the latest fault. Raises BrokenBed when that is nothing."""
        return _present(self.fault.expected, "injected no fault that violates anything")

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change made to the stack since the fault was in place, oldest first."""
        return tuple(c for c in self.stack.changes if c.wall > self.injected.wall)

    async def borrow_stack(self, kind: str) -> None:
        """Get a stack of this kind in its steady state. Raises BrokenBed when none can be had."""
        with self.spent.on("stack"):
            self._stack = await self._room.stacks.borrow(kind)
        self.timeline.record("stack.steady")

    def expect_containers(self) -> None:
        """Raise NotVerified, with what to do about it, unless stacks are made of containers."""
        self._run.expect_containers()

    async def renew_stack(self) -> None:
        """Take the stack down and get a new one. Raises BrokenBed when none can be had."""
        with self.spent.on("stack"):
            await self._room.stacks.discard(self.stack)
        await self.borrow_stack(self.stack.subject)

    async def host_operator(self) -> Operator:
        """The operator, with its model and a path for its database, and none of its processes yet."""
        if self._operator is None:
            self._operator = await self.keep(
                self._hosting.operator(
                    self.stack, script=self.script, limits=self.limits, shortened=self._shortened
                )
            )
        return self._operator

    async def start_operator(
        self, *, agent: bool = True, monitor: bool = True, shortened: bool = True
    ) -> None:
        """Start monitor and agent, or one of them alone, and return when they are ready.

        Thresholds that take long are shortened as the profile says, unless that is not wanted. Raises
        NotVerified when the model that is set cannot be had.
        """
        self._shortened = shortened and bool(self._run.profile.shortened)
        await self.start(*(("agent",) if agent else ()), *(("monitor",) if monitor else ()))

    async def start(self, *names: str) -> None:
        """Start processes of the operator side by side, and return when they are ready.

        Raises NotVerified when an agent is among them and the model that is set cannot be had.
        """
        if any(name.endswith("agent") for name in names):
            self._run.allow_model(scripted=self.script is not None)
        operator = await self.host_operator()
        await operator.start(*names)
        if "monitor" in names:
            self._tasks.start_soon(self._hosting.note_violations, operator)

    async def start_suite(self, criterion: str, *, feature: str | None = None, **settings: str) -> SuiteRun:
        """Start the suite itself on a criterion's scenarios, in one feature or all, with these settings."""
        return await self.keep(self._hosting.suite(criterion, feature, settings))

    async def show_demo(
        self,
        *,
        columns: int,
        rows: int,
        subject: str | None = None,
        agent: Sequence[str] | None = None,
        database: Path | None = None,
    ) -> Demonstration:
        """Show the operator's demo on a terminal of this size: on the bed's stack or, with `subject`, one of
        its own. With `agent`, that command is the agent.

        Raises NotVerified when the profile names no demo, or the model that is set may not be asked.
        """
        self._run.allow_model(scripted=self.script is not None)
        return await self.keep(
            self._hosting.demo(
                None if subject else self.stack,
                subject or self.stack.subject,
                script=self.script,
                agent=agent,
                database=database,
                columns=columns,
                rows=rows,
            )
        )

    async def inject(self, *faults: Fault) -> None:
        """Break the stack, all at once, and return when the stack itself shows it.

        Raises BrokenBed when the faults cannot be put in place, or never show.
        """
        await self._breakage.inject(self.stack, faults)

    async def keep(self, context: AbstractAsyncContextManager[T]) -> T:
        """Enter a context that is left when the bed is closed."""
        kept: Stay[T] = await stay(self._tasks, context)
        self._kept.append(kept)
        return kept.value

    async def until(
        self, observe: Callable[[], T | Awaitable[T]], matcher: Matcher[Any], *, within: float
    ) -> T:
        """Wait until what is observed matches.

        Raises AssertionError after `within` seconds, or at once when a process of the operator has died;
        NotVerified when the model may not be asked any more.
        """

        def observe_the_living() -> T | Awaitable[T]:
            if self._stack is not None and self._stack.trouble is not None:
                raise BrokenBed(self._stack.trouble)
            if self._operator is not None:
                self._operator.expect_alive()
            if self._hosting.model is not None and self._hosting.model.exhausted:
                raise NotVerified(self._hosting.model.exhausted)
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
        model = self._hosting.model
        unanswered = model.unanswered if model else ()
        trouble = self._stack.trouble if self._stack else None
        broken = trouble or self._broken or self._clock.problem() or ("; ".join(unanswered) or None)
        return ScenarioFacts(
            measures={
                **measures(self.timeline.events),
                **(model.cost() if model else {}),
            },
            evidence=tuple(
                str(path.relative_to(reports))
                for path in sorted(self.evidence.rglob("*"))
                if path.is_file() and path.suffix != ".index"
            ),
            spent=self.spent.seconds(),
            substitutes=tuple(self._substitutes()),
            not_verified=model.exhausted if model else None,
            secrets=self._run.redactor.found_since(self._clean),
            broken=broken,
        )

    def _substitutes(self) -> Iterator[str]:
        if self._hosting.model:
            yield from self._hosting.model.substitutes
        if self._stack:
            yield from self._stack.substitutes
        injected = self._breakage.injected
        faults = injected.faults if injected else ()
        if sabotage := self._hosting.sabotage():
            yield f"sabotage: {sabotage}"
        if self._shortened and any(f.expected and f.expected.invariant in _TIMED for f in faults):
            yield "times shortened"

    async def close(self) -> None:
        """Stop the operator, heal the fault, verify the stack or discard it, and keep the records."""
        try:
            for kept in reversed(self._kept):
                await kept.leave()
            if self._operator is not None and self._operator.database.exists():
                with suppress(sqlite3.DatabaseError):  # a broken one is of no use as evidence
                    copy_database(
                        self._operator.database, self.evidence / "tickets.db", redactor=self._run.redactor
                    )
        finally:
            try:
                if self._breakage.begun:
                    with self.spent.on("stack"):
                        await self._heal(self.stack)
            finally:
                self.timeline.close()

    async def _heal(self, stack: Stack) -> None:
        """Undo the faults, and see that nothing is left of them, or discard the stack."""
        self._broken = await self._breakage.heal()
        try:
            if self._broken is None:
                await stack.steady(within=stack.settles_within)
                return
        except Exception:  # noqa: S110 - perhaps the operator's doing: the verdict stays as it is
            pass
        await self._room.stacks.discard(stack)


@asynccontextmanager
async def open_bed(run: Run, room: FeatureRoom, name: str) -> AsyncIterator[TestBed]:
    """Open the bed of one scenario, whose evidence goes into the directory `name` of its feature's."""
    evidence = room.evidence / name
    evidence.mkdir(parents=True, exist_ok=True)
    if run.sabotage is not None:
        run.sabotage.begin()
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
