"""One started process: its end, its output, its terminal, and the tree below it."""

import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import anyio

from support.supervisor.capture import Capture
from support.supervisor.commands import Command, Exit
from support.supervisor.errors import DiedEarly, NotReady, ProcessError
from support.supervisor.leftovers import ProcessInfo, read_process, send
from support.supervisor.output import Output, Printer
from support.supervisor.poller import Poller
from support.supervisor.spawning import Child, reap, resize
from support.supervisor.spool import Bell
from support.supervisor.tree import Tree

Run = Callable[[Sequence[str]], Awaitable[tuple[Exit, str]]]
"""Runs another command in the process' environment: how it ended and the end of what it printed."""


class Process:
    """A process under a supervisor, which makes it. It is stopped when the supervisor's block is left at the
    latest."""

    name: str
    command: Command
    pid: int
    started_at: int
    """Monotonic nanoseconds."""
    output: Output

    def __init__(
        self,
        command: Command,
        child: Child,
        *,
        tree: Tree,
        captures: Mapping[str, Capture],
        bell: Bell,
        poller: Poller,
        run: Run,
        on_exit: Callable[["Process", Exit], None],
        started_at: int,
    ) -> None:
        self.name = command.name
        self.command = command
        self.pid = child.popen.pid
        self.started_at = started_at
        self.run = run
        printer = Printer(self.name, self._condition, lambda: self.exit)
        self.output = Output(printer, list(captures.values()), bell)
        self._child = child
        self._tree = tree
        self._captures = captures
        self._on_exit = on_exit
        self._exit: Exit | None = None
        self._ended = anyio.Event()
        self._races: set[anyio.CancelScope] = set()
        self._stopping = self._stopped = self._closed = False
        self._poller = poller
        poller.add(child.pidfd, self._over)

    def __repr__(self) -> str:
        return f"<Process {self.name}: {self._condition()}>"

    @property
    def exit(self) -> Exit | None:
        """How it ended, None while it lives."""
        self._notice()
        return self._exit

    @property
    def alive(self) -> bool:
        return self.exit is None

    @property
    def stopped(self) -> bool:
        """`stop` or `kill` has seen to it that nothing of its tree is left."""
        return self._stopped

    async def wait(self) -> Exit:
        """Waits until the process has ended and all that it printed is taken in. Its descendants may live
        on."""
        await self._ended.wait()
        assert self._exit is not None
        return self._exit

    async def ready(self) -> None:
        """Waits until the process is ready as its command defines it, for `command.ready_within` seconds at
        most.

        Raises DiedEarly if it ends first, NotReady if it takes longer.
        """
        readiness = self.command.ready
        if readiness is None:
            return
        seen: dict[str, str] = {}
        with anyio.move_on_after(self.command.ready_within), self._ending_with_the_process():
            await readiness.reached(self, seen)
            return
        last = "".join(f"  {condition}: {what}\n" for condition, what in seen.items())
        if (exit_ := self.exit) is not None:
            seconds = (exit_.at - self.started_at) / 1e9
            raise DiedEarly(
                f"{self.name} ended before it was ready ({exit_}, after {seconds:.2f} s). "
                f"Ready is: {readiness}.\n{last}{self.output.describe()}",
                exit_,
            )
        raise NotReady(
            f"{self.name} was not ready within {self.command.ready_within:g} s. Ready is: {readiness}.\n"
            f"{last}{self.output.describe()}"
        )

    async def stop(self, *, grace: float | None = None) -> Exit:
        """SIGTERM to the whole tree, SIGKILL to what is left of it after `grace` seconds (the command's own
        if None).

        A paused tree is resumed to hear the SIGTERM. If the process has ended already, its descendants are
        stopped. Raises LeftBehind if something cannot be killed.
        """
        self._stopping = True
        await self._tree.terminate(grace=self.command.grace if grace is None else grace)
        return await self._after_stop()

    async def kill(self) -> Exit:
        """SIGKILL to the whole tree. Raises LeftBehind if something cannot be killed."""
        self._stopping = True
        await self._tree.kill()
        return await self._after_stop()

    def signal(self, number: int) -> None:
        """Sends a signal to the process alone; nothing happens if it has ended."""
        send(self._tree.root, number)

    def pause(self) -> None:
        """Stops the whole tree where it is (SIGSTOP)."""
        self._tree.pause()

    @property
    def paused(self) -> bool:
        """Whether it is stopped now, whoever stopped it."""
        info = read_process(self.pid)
        return info is not None and info.state == "T"

    def resume(self) -> None:
        """Lets the whole tree go on (SIGCONT)."""
        self._tree.signal(signal.SIGCONT)

    def descendants(self) -> tuple[ProcessInfo, ...]:
        """Those of its tree that are alive, other than itself; also after it has ended."""
        return tuple(info for info in self._tree.members() if info.pid != self.pid)

    def write(self, data: bytes) -> None:
        """Types on its terminal. Raises ProcessError if the program leaves too much unread, or has no
        terminal."""
        try:
            written = os.write(self._terminal, data)
        except BlockingIOError:
            written = 0
        if written < len(data):
            raise ProcessError(
                f"{self.name} has not read what was typed before: {len(data) - written} of {len(data)} "
                f"bytes do not fit its terminal.\n{self.output.describe()}"
            )

    def resize(self, columns: int, rows: int) -> None:
        """Gives its terminal another size; the program gets SIGWINCH. Raises ProcessError if it has no
        terminal."""
        resize(self._terminal, columns=columns, rows=rows)

    def hang_up(self) -> None:
        """Closes its terminal: the program gets SIGHUP, and can neither read nor print any more."""
        _ = self._terminal
        self._captures["terminal"].close()

    def close(self) -> None:
        """Lets go of everything. Called by the supervisor at the end."""
        self._let_go()
        for capture in self._captures.values():
            capture.close()

    def _over(self) -> None:
        """Takes note of the end, as soon as it comes."""
        if self.alive:
            return
        self._let_go()
        # Orphans are known by their marks alone from now on: look who is there while they have them.
        if not self._stopping:
            self._tree.members()

    def _let_go(self) -> None:
        if not self._closed:
            self._closed = True
            self._poller.remove(self._child.pidfd)
            os.close(self._child.pidfd)

    async def _after_stop(self) -> Exit:
        exit_ = await self.wait()
        for capture in self._captures.values():
            capture.catch_up()
        self._stopped = True
        return exit_

    def _notice(self) -> None:
        """Takes note of the end as soon as anybody asks, so that nobody is told that a zombie lives."""
        if self._exit is not None or self._closed:
            return
        self._exit = reap(self._child)
        if self._exit is not None:
            for capture in self._captures.values():
                capture.process_ended()
            self._ended.set()
            for race in self._races:
                race.cancel()
            self._on_exit(self, self._exit)

    @contextmanager
    def _ending_with_the_process(self) -> Iterator[None]:
        with anyio.CancelScope() as race:
            self._races.add(race)
            try:
                if self.exit is not None:
                    race.cancel()
                yield
            finally:
                self._races.remove(race)

    def _condition(self) -> str:
        exit_ = self.exit
        return f"alive, pid {self.pid}" if exit_ is None else str(exit_)

    @property
    def _terminal(self) -> int:
        capture = self._captures.get("terminal")
        if capture is None:
            raise ProcessError(f"{self.name} was started without a terminal")
        if capture.fd is None:
            raise ProcessError(f"the terminal of {self.name} is closed.\n{self.output.describe()}")
        return capture.fd
