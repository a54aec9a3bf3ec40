"""All that the demo owns while it runs: a stack, an operator, traffic, a fault, and the end of all of them.

    async with open_stage(order, show) as stage:
        await stage.begin_traffic()
        await stage.break_it()

However the block is left, the operator is stopped, the fault is undone, and nothing is left.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus

from demo.subjects import Part, Subject, Successes
from support.breakage import Breakage
from support.evidence.records import Records, read_records
from support.evidence.spent import Spent
from support.evidence.timeline import Kind, Timeline, measures
from support.evidence.watch import RecordsWatch
from support.machine.temporary import home
from support.model import ModelDouble, on_call_engineer
from support.operator import Operator
from support.profile import Profile
from support.stacks.stack import Stack
from support.supervisor import Guardian, Process, Supervisor, sweep

__all__ = ["Order", "Show", "Stage", "open_stage"]

_MODEL = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY")
_ENDPOINTS = ("PD_ENDPOINT", "RATELIMITER_URL", "REDIS_URL", "PROMETHEUS_URL")
_LOOK_EVERY = 0.25
_WRONG_FOR = 0.5
"""Seconds that what is wrong is on the screen at least, however quickly it is repaired."""
_PROCESSES = ("agent", "monitor")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be shown, and with what."""

    subject: Subject
    profile: Profile
    model: Literal["double", "environment"]
    """The LLM behind the agent: the scripted stand-in, or the one that the environment names."""
    control: Path | None
    """The control socket of a stack to join; None: the demo starts one."""
    database: Path | None
    """Where the tickets are to be; None: in a place that ends with the demo."""
    environ: Mapping[str, str]
    sample_every: float
    """Seconds between two samples of the traffic."""


class Show(Protocol):
    """Who is told what the operator prints."""

    def line(self, process: str, text: str) -> None:
        """A process has printed a line."""

    def ended(self, process: str, how: str) -> None:
        """A process has ended, and nothing more will come."""


class Stage:
    """What is there; made by `open_stage`."""

    def __init__(
        self,
        order: Order,
        stack: Stack,
        operator: Operator,
        breakage: Breakage,
        timeline: Timeline,
        tasks: TaskGroup,
    ) -> None:
        self.parts: Sequence[Part] = ()
        """The system as it was seen last."""
        self.rates: list[float] = []
        """Requests per second that succeeded, sample by sample."""
        self.stack = stack
        self.operator = operator
        self._subject = order.subject
        self._sample_every = order.sample_every
        self._timeline = timeline
        self._breakage = breakage
        self._tasks = tasks
        self._enough = anyio.Event()
        self._look_now = anyio.Event()
        self._broken_at = 0

    @property
    def violated(self) -> bool:
        """Whether the system itself shows that something is wrong."""
        return any(not part.good for part in self.parts)

    @property
    def measures(self) -> Mapping[str, float]:
        """What was measured so far, in seconds."""
        return measures(self._timeline.events)

    def happened(self, kind: Kind) -> bool:
        """Whether there was an event of this kind since the fault was begun."""
        return any(event.kind == kind and event.at >= self._broken_at for event in self._timeline.events)

    def records(self) -> Records:
        """The operator's records."""
        return read_records(self.operator.database)

    def note(self, kind: Kind, at: int | None = None) -> None:
        """Put an event on the timeline."""
        self._timeline.record(kind, at=at)

    async def ready(self) -> None:
        """Return when monitor and agent are ready. Raises DiedEarly or NotReady."""
        for name in _PROCESSES:
            if name in self.operator.processes:
                await self.operator.process(name).ready()

    async def begin_traffic(self) -> None:
        """Send traffic from now on, and take samples of it."""
        await self._subject.prepare(self.stack)
        successes = await self._tasks.start(self._send)
        self._tasks.start_soon(self._sample, successes)

    async def break_it(self) -> None:
        """Inject the fault, and return when the stack itself shows it. Raises BrokenBed."""
        self._broken_at = time.monotonic_ns()
        await self._breakage.inject(self.stack, (self._subject.fault(self.stack),))
        self._look_now.set()  # an agent may be done with it before it is time to look again

    async def steady(self, within: float) -> None:
        """Return when the stack is in its steady state. Raises NotSteady after `within` seconds."""
        await self.stack.steady(within=within)

    async def look(self) -> None:
        """Look at the system again and again, until cancelled."""
        while True:
            self._look_now = anyio.Event()
            self.parts = await self._subject.look(self.stack)
            if self.violated:
                await anyio.sleep(_WRONG_FOR)
                continue
            with anyio.move_on_after(_LOOK_EVERY):
                await self._look_now.wait()

    async def watch_records(self) -> None:
        """Put what appears in the operator's records on the timeline, until cancelled."""
        await RecordsWatch(self.operator.database, self._timeline).run()

    async def note_violations(self) -> None:
        """Put the violations that the monitor sees on the timeline, until it has ended."""
        async for line in self.operator.violations():
            self._timeline.record("violation.reported", at=line.at)

    def end_traffic(self) -> None:
        """Send nothing more; what is under way comes to its end."""
        self._enough.set()

    async def _send(self, *, task_status: TaskStatus[Successes]) -> None:
        # Traffic is ended, not cancelled: requests that break off at a stack that goes on leave traces.
        with anyio.CancelScope(shield=True):
            async with self._subject.workload(self.stack) as successes:
                task_status.started(successes)
                await self._enough.wait()

    async def _sample(self, successes: Successes) -> None:
        before, at = successes(), time.monotonic()
        while True:
            await anyio.sleep(self._sample_every)
            now, count = time.monotonic(), successes()
            self.rates.append((count - before) / (now - at))
            before, at = count, now


@asynccontextmanager
async def open_stage(order: Order, show: Show, began: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Start the stack or join one, then the operator; return when the stack is steady.

    `began` is told what is being done. Raises BrokenBed or NotSteady when there is no stack to be had, and
    OperatorFailed when a process of the operator cannot be started.
    """
    began("looking for what a crashed demo left")
    await anyio.to_thread.run_sync(sweep, home())
    with Guardian.start(home()) as guardian:
        directory = guardian.directory
        timeline = Timeline(directory / "timeline.ndjson")
        breakage = Breakage(timeline, Spent())
        async with (
            Supervisor(directory / "spools", guardian=guardian) as supervisor,
            _model(order) as model,
        ):
            began("starting the stack" if order.control is None else "joining the stack")
            async with (
                _stack(order, directory, supervisor) as stack,
                _healed(breakage),  # once the operator is gone
                Supervisor(directory / "operator", guardian=guardian) as operators,
            ):
                began("starting the operator")
                (directory / "o").mkdir()
                if order.database is not None:
                    _set_aside(order.database)
                operator = Operator(
                    order.profile,
                    operators,
                    subject=order.subject.name,
                    directory=directory / "o",
                    endpoints={**stack.environment, **_endpoints(order), **model},
                    spent=Spent(),
                    install_tools=stack.install_tools,
                    database=order.database,
                )
                async with anyio.create_task_group() as tasks:
                    stage = Stage(order, stack, operator, breakage, timeline, tasks)
                    await _start(stage, order, show, tasks)
                    try:
                        yield stage
                    finally:
                        stage.end_traffic()
                        tasks.cancel_scope.cancel()
        timeline.close()


async def _start(stage: Stage, order: Order, show: Show, tasks: TaskGroup) -> None:
    operator = stage.operator
    for name in _PROCESSES:
        if name == "monitor" or order.profile.agent is not None:
            await operator.launch(name)
            tasks.start_soon(_show_output, operator.process(name), name, show)
    tasks.start_soon(stage.watch_records)
    tasks.start_soon(stage.note_violations)
    tasks.start_soon(stage.look)


@asynccontextmanager
async def _model(order: Order) -> AsyncIterator[Mapping[str, str]]:
    """What the agent is told of its model."""
    if order.model == "environment":
        yield {name: order.environ[name] for name in _MODEL if name in order.environ}
        return
    async with ModelDouble(on_call_engineer) as double:
        yield {"ANTHROPIC_BASE_URL": double.url, "ANTHROPIC_API_KEY": "model-double"}


@asynccontextmanager
async def _healed(breakage: Breakage) -> AsyncIterator[None]:
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await breakage.heal()


async def _show_output(process: Process, name: str, show: Show) -> None:
    async for line in process.output.follow():
        show.line(name, line.text)
    show.ended(name, str(await process.wait()))


def _endpoints(order: Order) -> Mapping[str, str]:
    """Where the operator is to look for a stack that was joined, when the environment says so."""
    if order.control is None or order.environ.get("STACKCTL_SOCKET") != str(order.control):
        return {}
    return {name: order.environ[name] for name in _ENDPOINTS if name in order.environ}


def _set_aside(database: Path) -> None:
    """Let the operator begin with an empty database; what an earlier run left is beside it."""
    for suffix in ("", "-wal", "-shm"):
        file = database.with_name(database.name + suffix)
        if file.exists():
            file.rename(database.with_name(f"{database.stem}.earlier{database.suffix}{suffix}"))


def _stack(order: Order, directory: Path, supervisor: Supervisor) -> AbstractAsyncContextManager[Stack]:
    if order.control is not None:
        return order.subject.join(order.control)
    (directory / "s").mkdir()
    return order.subject.start(directory / "s", supervisor)
