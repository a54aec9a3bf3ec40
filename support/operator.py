"""The operator under test, as the bed runs it: its processes, its environment, its records.

An operator process that does not become ready, dies or stays silent is a failed requirement, not a
broken bed: every error here is an AssertionError that says what was expected and what was seen.
"""

import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from support.evidence.records import Records, read_records
from support.evidence.shell import ShellWitness
from support.evidence.spent import Spent
from support.profile import SYSTEM_PATH, Profile
from support.supervisor import (
    CannotStart,
    Command,
    DiedEarly,
    Exit,
    Line,
    LogLine,
    NotReady,
    NotSeen,
    Process,
    ProcessInfo,
    Supervisor,
)
from support.verdict import BrokenBed, NotVerified

if TYPE_CHECKING:
    from support.stacks.docker_operator import OperatorContainers

_PATIENCE = 5.0
"""Seconds, besides ten intervals, after which a monitor that prints no check is taken for stuck."""
_DEAF_AFTER = 3.0
_LEFT_WITHIN = 1.0


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended that was told to stop: after how many seconds, and what it left running."""

    exit: Exit
    seconds: float
    left: tuple[ProcessInfo, ...]


class OperatorFailed(AssertionError):
    """The operator did not do what is required of it."""


class Operator:
    """Monitor and agent of one bed, on one database.

    `directory` is private to the bed; `endpoints` are the contract's variables for the stack and the model,
    `install_tools` puts what it controls nodes with into a directory, `containers` is where its processes run
    unless that is this machine, `limits` the operator's own for what it may use. The database is in
    `directory` unless another is named.
    """

    def __init__(
        self,
        profile: Profile,
        supervisor: Supervisor,
        *,
        subject: str,
        directory: Path,
        endpoints: Mapping[str, str],
        spent: Spent,
        install_tools: Callable[[Path], None],
        containers: "OperatorContainers | None" = None,
        limits: Mapping[str, str] | None = None,
        database: Path | None = None,
    ) -> None:
        self.profile = profile
        self.database = database or directory / "tickets.db"
        self._supervisor = supervisor
        self._subject = subject
        self._directory = directory
        self._endpoints = endpoints
        self._containers = containers
        self._limits = limits or {}
        self._spent = spent
        self._processes: dict[str, Process] = {}
        self._told_to_stop: dict[str, tuple[signal.Signals, float]] = {}
        """By name, the signal it was sent and when, in monotonic seconds."""
        self._doomed: set[str] = set()
        for name in ("bin", "agent-bin", "home", "tmp"):
            (directory / name).mkdir()
        install_tools(directory / "bin")
        install_tools(directory / "agent-bin")
        self.shell = ShellWitness(directory / "shell", path=SYSTEM_PATH)
        self.shell.install(directory / "agent-bin")

    @property
    def monitor(self) -> Process:
        """The monitor's process. Raises BrokenBed when the scenario did not start one."""
        return self.process("monitor")

    @property
    def agent(self) -> Process:
        """The agent's process. Raises BrokenBed when the scenario did not start one."""
        return self.process("agent")

    def process(self, name: str) -> Process:
        """The process started last under this name. Raises BrokenBed when there is none."""
        try:
            return self._processes[name]
        except KeyError:
            raise BrokenBed(f"this scenario has started no {name}") from None

    def bare(self, name: str) -> Process:
        """The process of this name itself, to be paused, killed or looked into.

        Raises NotVerified where it is in a container, of which only a `docker` command is a process here.
        """
        if self._containers is not None:
            raise NotVerified(
                f"the {name} is in a container, and this scenario needs its process; "
                "run with -D operator_in=host"
            )
        return self.process(name)

    @property
    def processes(self) -> Mapping[str, Process]:
        """All that were started, by name."""
        return self._processes

    @property
    def private_directory(self) -> Path:
        """What the processes are given as TMPDIR."""
        return self._directory / "tmp"

    async def start(self, *names: str) -> None:
        """Start processes side by side, in this order, and return when all of them are ready.

        A name ends in `monitor` or `agent`; there may be a `second agent`. One that has ended may be started
        again. Raises NotVerified when an agent is wanted and the profile names none.
        """
        for name in names:
            await self.launch(name)
        with self._spent.on("waiting"):
            for name in names:
                try:
                    await self._processes[name].ready()
                except (DiedEarly, NotReady) as error:
                    raise OperatorFailed(f"the {name} did not become ready: {error}") from error
        self.shell.begin()

    async def start_in_vain(self, name: str) -> Process:
        """Start a process that must not go on, and return when it has ended. Raises OperatorFailed."""
        await self.launch(name)
        process = self._processes[name]
        self._doomed.add(name)
        with self._spent.on("waiting"), anyio.move_on_after(self.profile.timing.ready_within):
            await process.wait()
            return process
        raise OperatorFailed(
            f"expected: the {name} ends by itself\n  but: it still ran after "
            f"{self.profile.timing.ready_within:g} s\n{process.output.describe()}"
        )

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a process a signal that ends it; a paused one is resumed, to hear it."""
        process = self.bare(name) if number == signal.SIGKILL else self.process(name)
        self._told_to_stop[name] = number, time.monotonic()
        process.signal(number)
        process.resume()

    async def ended(self, name: str) -> Ended:
        """Wait for the end of a process that was sent a signal, and see what it leaves behind.

        What it started has a second to go as well. Raises OperatorFailed when the process stays.
        """
        process = self.process(name)
        number, started = self._told_to_stop[name]
        with self._spent.on("waiting"), anyio.move_on_after(_DEAF_AFTER):
            exit_ = await process.wait()
            seconds = time.monotonic() - started
            with anyio.move_on_after(_LEFT_WITHIN):
                while process.descendants():  # noqa: ASYNC110 - nobody announces the end of a stranger's child
                    await anyio.sleep(0.02)
            return Ended(exit=exit_, seconds=seconds, left=process.descendants())
        told = process.output.describe()
        await process.kill()
        raise OperatorFailed(
            f"expected: the {name} ends after {number.name}\n  but: it still ran after {_DEAF_AFTER:g} s\n"
            + told
        )

    async def tell_to_stop(self, name: str) -> Ended:
        """Send SIGTERM to a process and wait for its end; as `send` and `ended` do."""
        self.send(name, signal.SIGTERM)
        return await self.ended(name)

    def expect_alive(self) -> None:
        """Raise OperatorFailed when a process has ended that nobody has told to stop."""
        for name, process in self._processes.items():
            if process.exit is not None and name not in {*self._told_to_stop, *self._doomed}:
                raise OperatorFailed(
                    f"expected: the {name} goes on running\n  but: it ended by itself\n"
                    f"{process.output.describe()}"
                )

    def records(self) -> Records:
        """What the operator has recorded so far."""
        return read_records(self.database)

    async def checks(self, count: int) -> AsyncIterator[Line]:
        """The lines of the monitor's next checks, of any outcome, as they are printed.

        Raises OperatorFailed when the monitor stops checking.
        """
        monitor = self.monitor
        patience = _PATIENCE + 10 * self.profile.timing.interval
        lines = monitor.output.follow(self.profile.output.check, since=monitor.output.mark())
        async with aclosing(lines):
            for number in range(count):
                line = None
                with self._spent.on("waiting"), anyio.move_on_after(patience):
                    line = await anext(lines, None)
                if line is None:
                    raise OperatorFailed(
                        f"expected: the monitor makes {count} checks\n  but: it made {number} and then none "
                        f"within {patience:g} s\n{monitor.output.describe()}"
                    )
                yield line

    async def says(self, what: str, pattern: str, *, within: float) -> Line:
        """The monitor's first line from now on that matches; raises OperatorFailed after `within` seconds."""
        output = self.monitor.output
        with self._spent.on("waiting"):
            try:
                return await output.line(pattern, since=output.mark(), within=within)
            except NotSeen as error:
                raise OperatorFailed(f"expected: the monitor says {what}\n  but: {error}") from error

    def taken(self, name: str) -> list[str]:
        """What an agent has printed of each ticket that it took."""
        lines = self.process(name).output.lines(self.profile.output.ticket_taken)
        return [line.text for line in lines]

    def violations(self) -> AsyncIterator[Line]:
        """The lines of the monitor's checks that saw a violation, from its start until it ends."""
        return self.monitor.output.follow(self.profile.output.violations_seen)

    async def launch(self, name: str) -> None:
        """Start a process without waiting until it is ready."""
        words, ready = self._program(name)
        self._told_to_stop.pop(name, None)
        env: Mapping[str, str] = self._environment(name)
        python = sys.executable if self._containers is None else self._containers.python
        argv = self.profile.fill(words, subject=self._subject, db=self.database, python=python)
        if self._containers is not None:
            argv, env = await self._containers.create(name, argv, env)
        command = Command(
            name=name.replace(" ", "-"),
            argv=argv,
            cwd=self.profile.cwd,
            env=env,
            ready=LogLine(ready),
            ready_within=self.profile.timing.ready_within,
        )
        try:
            self._processes[name] = await self._supervisor.spawn(command)
        except CannotStart as error:
            raise OperatorFailed(f"profile {self.profile.path}: operator.{name}: {error}") from error

    def _program(self, name: str) -> tuple[Sequence[str], str]:
        """The command of the process of this name, and what it prints when it is ready."""
        output = self.profile.output
        if name.endswith("monitor"):
            return self.profile.monitor, output.monitor_ready
        if not name.endswith("agent"):
            raise BrokenBed(f"an operator has no {name}; it has a monitor and agents")
        if self.profile.agent is None:
            raise NotVerified(f"the profile of {self.profile.name} names no agent command (operator.agent)")
        return self.profile.agent, output.agent_ready

    def _environment(self, name: str) -> dict[str, str]:
        private = self._directory / ("agent-bin" if name.endswith("agent") else "bin")
        passed = {name: os.environ[name] for name in ("LANG", "TZ") if name in os.environ}
        return {
            **passed,
            "HOME": str(self._directory / "home"),
            "TMPDIR": str(self._directory / "tmp"),
            "PATH": os.pathsep.join((str(private), *SYSTEM_PATH)),
            "PYTHONUNBUFFERED": "1",
            "OPERATOR_SAFETY_MODE": "execute",
            **self._endpoints,
            **self.profile.env,
            **self._limits,
        }
