"""Leads through the chapters: does the work of each, waits for the presenter, and skips nothing."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import anyio

from demo.chapters import CHAPTERS, Chapter
from demo.stage import Order, Show, Stage, open_stage
from demo.subjects import STEADY_WITHIN

__all__ = ["Story"]

T = TypeVar("T")

_LOOK_EVERY = 0.05
_LEVEL_SAMPLES = 6
"""Samples of the traffic that make its level."""
_BACK = 0.8
"""The share of its level at which the traffic counts as back."""
_COUNTDOWN = 3
_SEEN_AFTER = 0.3
"""Seconds that every chapter is on the screen, however quickly somebody presses keys."""


class Story:
    """The story of one demo: where it stands, and the key that leads it on.

    `pace` is how many seconds a chapter that goes on by itself is shown at least; with `auto`, chapters that
    wait for the presenter go on after that time, too.
    """

    def __init__(self, order: Order, show: Show, *, pace: float, auto: bool) -> None:
        self.chapter: Chapter = CHAPTERS["welcome"]
        self.note = ""
        """What is being done, or what came of it."""
        self.at_work = False
        self.failed: str | None = None
        """Why the story cannot go on."""
        self.over = anyio.Event()
        """Set when there is nothing more to come."""
        self.stage: Stage | None = None
        self._order = order
        self._show = show
        self._pace = pace
        self._auto = auto
        self._began = time.monotonic()
        self._wanted = anyio.Event()
        self._opened = anyio.Event()
        self._left = anyio.Event()
        self._level = 0.0

    @property
    def text(self) -> str:
        """What the chapter tells."""
        return self.chapter.text.format_map(self._order.subject.words)

    @property
    def number(self) -> int:
        """Of the chapter, from 1."""
        return list(CHAPTERS).index(self.chapter.name) + 1

    @property
    def seconds(self) -> float:
        """Since the chapter began."""
        return time.monotonic() - self._began

    @property
    def waiting(self) -> bool:
        """Whether a key leads on."""
        seen = self.seconds >= _SEEN_AFTER
        return self.chapter.waits and not self.at_work and self.failed is None and seen

    @property
    def complete(self) -> bool:
        """Whether the last chapter has been reached."""
        return self.chapter.name == "complete"

    def go_on(self) -> bool:
        """Lead on to the next chapter; False when the chapter is still at work, and then nothing happens."""
        if self.waiting:
            self._wanted.set()
            return True
        return False

    async def play(self) -> None:
        """Play all chapters, and keep the stage open until the story is left, even if it cannot go on."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._telling_of_failure, self._keep_stage)
            async with anyio.create_task_group() as telling:
                telling.start_soon(self._telling_of_failure, self._tell)
                await self._left.wait()
                telling.cancel_scope.cancel()
            if not self._opened.is_set():
                tasks.cancel_scope.cancel()

    def leave(self) -> None:
        """Bring the story to its end, wherever it stands."""
        self._left.set()

    async def _telling_of_failure(self, function: Callable[[], Awaitable[None]]) -> None:
        try:
            await function()
        except Exception as error:  # whatever it is, those who watch have to know
            leaf: BaseException = error
            while isinstance(leaf, BaseExceptionGroup):
                leaf = leaf.exceptions[0]
            self.failed = str(leaf) or type(leaf).__name__
            self.over.set()

    async def _keep_stage(self) -> None:
        async with open_stage(self._order, self._show, self._say) as self.stage:
            self.note = "the stage is set"
            self._opened.set()
            await self._left.wait()

    async def _tell(self) -> None:
        work: Mapping[str, Callable[[], Awaitable[str]]] = {
            "health": self._come_up,
            "load": self._send_traffic,
            "fault": self._break,
            "detection": self._detect,
            "remediation": self._repair,
            "recovery": self._recover,
            "complete": self._sum_up,
        }
        for name, chapter in CHAPTERS.items():
            self.chapter, self._began, self._wanted = chapter, time.monotonic(), anyio.Event()
            if name in work:
                self.at_work = True
                self.note = await work[name]()
                self.at_work = False
            if chapter.waits and not self._auto:
                await self._wanted.wait()
            elif name != "complete":
                await anyio.sleep(max(0.0, self._pace - (self.seconds if not chapter.waits else 0.0)))
        self.over.set()

    def _say(self, what: str) -> None:
        self.note = what

    @property
    def _there(self) -> Stage:
        assert self.stage is not None
        return self.stage

    async def _come_up(self) -> str:
        await self._opened.wait()
        self.note = "the operator is getting ready"
        await self._there.ready()
        self.note = "waiting for the first check"
        healthy = self._order.profile.output.healthy_check
        async for _ in self._there.operator.monitor.output.follow(healthy):
            break
        return "all checks are passing"

    async def _send_traffic(self) -> str:
        await self._there.begin_traffic()
        self.note = "measuring"
        rates = await self._until(lambda: self._there.rates[1:], lambda rates: len(rates) >= _LEVEL_SAMPLES)
        self._level = sum(rates) / len(rates)
        return f"{self._level:.0f} requests per second succeed"

    async def _break(self) -> str:
        for number in range(_COUNTDOWN, 0, -1):
            self.note = f"in {number} …"
            await anyio.sleep(self._pace / _COUNTDOWN)
        self.note = "now"
        await self._there.break_it()
        return "the system shows it"

    async def _detect(self) -> str:
        self.note = "waiting for a ticket"
        await self._until(lambda: self._there.happened("ticket.opened"))
        ticket = self._there.records().tickets[-1]
        return f"ticket #{ticket.id}: {ticket.violation_key}"

    async def _repair(self) -> str:
        self.note = "the agent is at work"

        def look() -> bool:
            open_ = [t for t in self._there.records().tickets if t.status != "resolved"]
            if any(ticket.escalated for ticket in open_):
                self.note = "the agent has escalated the ticket to people"
            elif not self._there.happened("session.started"):
                self.note = "waiting for the agent"
            else:
                self.note = "the agent is at work"
            return not open_ and self._there.happened("ticket.resolved")

        await self._until(look)
        return "the ticket is resolved"

    async def _recover(self) -> str:
        self.note = "waiting for the steady state"
        await self._there.steady(STEADY_WITHIN)
        self._there.note("stack.steady")
        self.note = "waiting for the traffic"
        wanted = _BACK * self._level

        def lately() -> float:
            rates = self._there.rates[-_LEVEL_SAMPLES // 2 :]
            return sum(rates) / len(rates)

        rate = await self._until(lately, lambda rate: rate >= wanted)
        return f"steady, {rate:.0f} requests per second"

    async def _sum_up(self) -> str:
        names = {
            "time_to_detect": "detected",
            "time_to_repair": "steady again",
            "time_to_resolve": "resolved",
        }
        measured = self._there.measures
        return "\n".join(
            f"{words} after {measured[name]:.1f} s" for name, words in names.items() if name in measured
        )

    async def _until(self, observe: Callable[[], T], holds: Callable[[T], object] = bool) -> T:
        """What is observed, once it is as it should be. The presenter may give up; the story does not."""
        while not holds(seen := observe()):  # noqa: ASYNC110 - records and rates do not say so
            await anyio.sleep(_LOOK_EVERY)
        return seen
