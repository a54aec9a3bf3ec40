"""The operator under test, as the bed runs it: its processes, its environment, its records.

An operator process that does not become ready, dies or stays silent is a failed requirement, not a
broken bed: every error here is an AssertionError that says what was expected and what was seen.
"""

import os
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import anyio

from support.evidence.records import Records, read_records
from support.evidence.shell import ShellWitness
from support.evidence.spent import Spent
from support.profile import SYSTEM_PATH, Profile
from support.stacks.control import install
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

_PATIENCE = 5.0
"""Seconds, besides ten intervals, after which a monitor that prints no check is taken for stuck."""
_DEAF_AFTER = 10.0
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
    `limits` the operator's own for what it may use.
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
        limits: Mapping[str, str] | None = None,
    ) -> None:
        self.profile = profile
        self.database = directory / "tickets.db"
        self._supervisor = supervisor
        self._subject = subject
        self._directory = directory
        self._endpoints = endpoints
        self._limits = limits or {}
        self._spent = spent
        self._processes: dict[str, Process] = {}
        self._told_to_stop: set[str] = set()
        for name in ("bin", "agent-bin", "home", "tmp"):
            (directory / name).mkdir()
        install(directory / "bin")
        install(directory / "agent-bin")
        self.shell = ShellWitness(directory / "shell", path=SYSTEM_PATH)
        self.shell.install(directory / "agent-bin")

    @property
    def monitor(self) -> Process:
        """The monitor's process. Raises BrokenBed when the scenario did not start one."""
        return self._process("monitor")

    @property
    def agent(self) -> Process:
        """The agent's process. Raises BrokenBed when the scenario did not start one."""
        return self._process("agent")

    async def start(self, *, agent: bool, monitor: bool = True) -> None:
        """Start agent and monitor side by side, or one of them alone, and return when they are ready.

        Raises NotVerified when an agent is wanted and the profile names none.
        """
        if agent:
            if self.profile.agent is None:
                raise NotVerified(
                    f"the profile of {self.profile.name} names no agent command (operator.agent)"
                )
            await self._launch("agent", self.profile.agent, self.profile.output.agent_ready)
        if monitor:
            await self._launch("monitor", self.profile.monitor, self.profile.output.monitor_ready)
        with self._spent.on("waiting"):
            for name, process in self._processes.items():
                try:
                    await process.ready()
                except (DiedEarly, NotReady) as error:
                    raise OperatorFailed(f"the {name} did not become ready: {error}") from error
        self.shell.begin()

    async def tell_to_stop(self, name: str) -> Ended:
        """Send SIGTERM to a process, wait for its end, and see what it leaves behind.

        What it started has as long as the process itself to go. Raises OperatorFailed when it stays.
        """
        process = self._process(name)
        self._told_to_stop.add(name)
        started = time.monotonic()
        process.signal(signal.SIGTERM)
        with self._spent.on("waiting"), anyio.move_on_after(_DEAF_AFTER):
            exit_ = await process.wait()
            seconds = time.monotonic() - started
            with anyio.move_on_after(_LEFT_WITHIN):
                while process.descendants():  # noqa: ASYNC110 - nobody announces the end of a stranger's child
                    await anyio.sleep(0.02)
            return Ended(exit=exit_, seconds=seconds, left=process.descendants())
        raise OperatorFailed(
            f"expected: the {name} ends after SIGTERM\n  but: it still ran after {_DEAF_AFTER:g} s\n"
            f"{process.output.describe()}"
        )

    def expect_alive(self) -> None:
        """Raise OperatorFailed when a process has ended that nobody has told to stop."""
        for name, process in self._processes.items():
            if process.exit is not None and name not in self._told_to_stop:
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

    def violations(self) -> AsyncIterator[Line]:
        """The lines of the monitor's checks that saw a violation, from its start until it ends."""
        return self.monitor.output.follow(self.profile.output.violations_seen)

    async def _launch(self, name: str, words: Sequence[str], ready: str) -> None:
        command = Command(
            name=name,
            argv=self.profile.fill(words, subject=self._subject, db=self.database),
            cwd=self.profile.cwd,
            env=self._environment(name),
            ready=LogLine(ready),
            ready_within=self.profile.timing.ready_within,
        )
        try:
            self._processes[name] = await self._supervisor.spawn(command)
        except CannotStart as error:
            raise OperatorFailed(f"profile {self.profile.path}: operator.{name}: {error}") from error

    def _process(self, name: str) -> Process:
        try:
            return self._processes[name]
        except KeyError:
            raise BrokenBed(f"this scenario has started no {name}") from None

    def _environment(self, name: str) -> dict[str, str]:
        private = self._directory / ("agent-bin" if name == "agent" else "bin")
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
