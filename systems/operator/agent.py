"""The agent process: waits for tickets, works one at a time, and leaves in good order when told."""

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from systems.operator import subjects
from systems.operator.audit import Journal
from systems.operator.conversation import Conversation, Limits
from systems.operator.database import is_contention, open_database
from systems.operator.holding import Roll
from systems.operator.masking import masker
from systems.operator.output import complain, leave, say
from systems.operator.prompt import ticket_text
from systems.operator.sdk import load_client
from systems.operator.shell import Shell
from systems.operator.work import Agent, Outcome, Taken, enlist

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

# How often the agent looks whether the database has changed, in seconds. One look costs some 10 µs.
_LOOK_EVERY = 0.05


@dataclass(frozen=True)
class AgentSettings:
    """How an agent process is to work."""

    database: Path
    model: str
    execute: bool  # run commands; otherwise refuse them all
    command_seconds: float
    limits: Limits
    answer_seconds: float  # to wait for an answer of the model
    answer_retries: int


def run_agent(settings: AgentSettings, environment: Mapping[str, str]) -> int:
    """Work tickets until told to stop; the exit status if the agent ends sooner.

    Raises `UnusableDatabaseError`.
    """
    database = open_database(settings.database)
    roll = Roll(settings.database)
    try:
        agent = enlist(database, roll)
        asyncio.run(_Loop(settings, environment, agent).run())
    except sqlite3.Error as error:
        # What cannot be recorded must not be done. The next agent takes up what this one held.
        complain(f"{settings.database}: {error}; the agent ends")
    finally:
        database.close()
    return 1


class _Loop:
    def __init__(self, settings: AgentSettings, environment: Mapping[str, str], agent: Agent) -> None:
        self._settings = settings
        self._environment = environment
        self._agent = agent
        self._mask = masker(environment)
        self._signal: str | None = None
        self._version: int | None = None
        self._others: frozenset[int] = frozenset()

    async def run(self) -> NoReturn:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("the agent runs in a task")
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop, number, task)
        say("Agent loop starting")
        client = load_client(seconds=self._settings.answer_seconds, retries=self._settings.answer_retries)
        try:
            while True:
                await self._something_new()
                while taken := await self._take_next():
                    await self._attempt(taken, client)
        except asyncio.CancelledError:
            self._agent.database.close()
            say(f"Agent loop stopped by {self._signal}")
            # From within the event loop: once that is closed, one more signal would kill.
            leave(0)

    def _told_to_stop(self, number: signal.Signals, task: "asyncio.Task[object]") -> None:
        # Once only: what is done about the first must not itself be interrupted.
        if self._signal is None:
            self._signal = signal.Signals(number).name
            task.cancel()

    async def _something_new(self) -> None:
        """Return when there may be a ticket to take: the first time at once."""
        database, roll = self._agent.database, self._agent.roll
        while True:
            (version,) = database.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._version = version
                self._others = self._agent.others_holding()
                return
            # The death of another agent changes nothing in the database.
            if dead := {number for number in self._others if not roll.is_alive(number)}:
                self._others -= dead
                return
            await asyncio.sleep(_LOOK_EVERY)

    async def _take_next(self) -> Taken | None:
        try:
            return self._agent.take_next(model=self._settings.model)
        except sqlite3.OperationalError as error:
            if not is_contention(error):
                raise
            complain(f"{self._settings.database}: {error}; trying again")
            self._version = None
            await asyncio.sleep(_LOOK_EVERY)
            return None

    async def _attempt(self, taken: Taken, client: "asyncio.Future[AsyncAnthropic]") -> None:
        say(f"Processing ticket #{taken.ticket_id}: {taken.key}")
        outcome: Outcome | None = None
        try:
            async with self._shell() as shell:
                outcome = await self._converse(taken, client, shell)
        except asyncio.CancelledError:
            outcome = outcome or Outcome(
                "escalated", "escalated", f"interrupted by {self._signal} before it came to an end"
            )
            self._finish(taken, outcome)
            raise
        except sqlite3.Error:
            raise
        except Exception as error:
            # One ticket that brings the agent to its limits must not keep it from the others.
            outcome = Outcome(
                "escalated", "failed", self._mask(f"the agent failed: {type(error).__name__}: {error}")
            )
        self._finish(taken, outcome)

    def _shell(self) -> contextlib.AbstractAsyncContextManager[Shell | None]:
        if not self._settings.execute:
            return contextlib.nullcontext()
        return Shell(
            self._environment,
            timeout=self._settings.command_seconds,
            mask=self._mask,
            lifeline=[self._agent.roll.fileno()],
        )

    async def _converse(
        self, taken: Taken, loading: "asyncio.Future[AsyncAnthropic]", shell: Shell | None
    ) -> Outcome:
        try:
            client = await asyncio.shield(loading)
        except Exception as error:
            return Outcome(
                "escalated", "failed", f"the anthropic SDK could not be used: {self._mask(str(error))}"
            )
        conversation = Conversation(
            client=client,
            model=self._settings.model,
            shell=shell,
            journal=Journal(self._agent.database, taken.session_id, self._mask),
            mask=self._mask,
            limits=self._settings.limits,
        )
        context = taken.subject_context or subjects.context_in(self._environment)
        return await conversation.hold(self._mask(ticket_text(taken, subject_context=context)))

    def _finish(self, taken: Taken, outcome: Outcome) -> None:
        self._agent.let_go(taken, outcome)
        first_line, *_ = outcome.summary.splitlines()
        say(f"Ticket #{taken.ticket_id} -> {outcome.ticket}: {first_line}")
