"""The run's side: workers, forked off it, that are handed tasks and say what became of them.

    crew = Crew(Schedule(tasks, jobs=4), jobs=4, begin=..., heard=..., died=...)
    past = crew.wait_for(7, meanwhile=show)  # scenario 7 has been run; or None: it never will be
    crew.close()                 # all workers have undone what they began, and are gone

Nothing here may run in more than one thread: a fork copies only the one that forks.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BufferedRandom
from multiprocessing.connection import Connection, Pipe, wait
from typing import NoReturn

from support.interruption import SIGNALS
from support.workers.messages import Ended, PlayedScenario, Reached
from support.workers.schedule import Schedule, Task

__all__ = ["Crew", "Past"]

_TICK = 0.2
"""Seconds between two looks at whether the run is being stopped."""
_TAIL = 2000
"""Characters that are shown of what a worker printed before it died."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """A scenario that has been run, and what was printed meanwhile past behave's capture."""

    played: PlayedScenario
    printed: str


@dataclass(kw_only=True, eq=False)
class _Worker:
    pid: int
    connection: Connection
    output: BufferedRandom
    reached: Reached | None = None
    at: float = 0.0
    read: int = 0
    feature: str | None = None
    task: Task | None = None
    idle: bool = True
    leaving: bool = False
    began: float = field(default_factory=time.monotonic)
    idled: float = 0.0

    def printed(self) -> str:
        """What it has printed since this was asked last."""
        text = b""
        while more := os.pread(self.output.fileno(), 65536, self.read):
            self.read += len(more)
            text += more
        return text.decode(errors="replace")


class Crew:
    """The workers of one run.

    `bears_more` says whether the machine bears another task beside so many. `begin` is what a worker does
    with its connection, and ends it. `heard` is told of every message and may stop the crew. `died` is told
    of a task whose worker is gone without a word, and why; it returns what becomes of its scenarios.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        jobs: int,
        bears_more: Callable[[int], bool],
        begin: Callable[[Connection], NoReturn],
        heard: Callable[[Ended], None],
        died: Callable[[Task, str], tuple[PlayedScenario, ...]],
    ) -> None:
        self._schedule = schedule
        self._jobs = jobs
        self._bears_more = bears_more
        self._begin = begin
        self._heard = heard
        self._died = died
        self._workers: list[_Worker] = []
        self._past: dict[int, Past] = {}
        self._stopping = False
        self.worked = 0.0
        """Seconds that the workers took, all of them together, when they had something to do."""
        self.failed = False
        """Whether a worker said that its run of behave had failed."""
        self.printed = ""
        """What workers printed after their last scenario."""

    def wait_for(self, index: int, *, meanwhile: Callable[[], None]) -> Past | None:
        """Let the crew work until this scenario has been run; None when it never will be.

        `meanwhile` is called again and again until then.
        """
        while index not in self._past:
            self._hand_out()
            if not self._workers:
                return None
            self._listen()
            meanwhile()
        return self._past.pop(index)

    def at_work(self) -> list[tuple[Task, Reached | None, float]]:
        """The tasks that run, where they are, and for how many seconds they have run."""
        now = time.monotonic()
        return [(w.task, w.reached, now - w.at) for w in self._workers if w.task is not None]

    def to_go(self) -> float:
        """Seconds until the last task ends, as far as that can be known."""
        running = [max(0.0, task.seconds - seconds) for task, _, seconds in self.at_work()]
        return max([*running, (self._schedule.seconds + sum(running)) / self._jobs])

    def stop(self) -> None:
        """Hand out nothing more. What runs goes on to its end."""
        self._stopping = True
        self._schedule.drop()

    def interrupt(self, number: int) -> None:
        """Pass a signal on, upon which a worker stops what it does and undoes it. From a signal handler."""
        self._stopping = True
        for worker in self._workers:
            os.kill(worker.pid, number)  # not reaped yet, so it is no stranger's pid

    def close(self) -> dict[int, Past]:
        """Wait until all workers are gone; return what they have run and nobody has asked for."""
        self.stop()
        while self._workers:
            self._hand_out()
            self._listen()
        return self._past

    def _hand_out(self) -> None:
        """Give every idle worker its next task, or its leave; start workers when there is more to do."""
        if self._stopping:
            self._schedule.drop()
        bears_more = self._bears_more(self._busy) or not self._schedule.left
        for worker in [worker for worker in self._workers if worker.idle and not worker.leaving]:
            if bears_more or not self._busy:
                self._hand(worker, self._schedule.next_for(worker.feature))
        while self._schedule.left and len(self._workers) < self._jobs and (bears_more or not self._busy):
            self._hand(self._fork(), self._schedule.next_for(None))
        if not self._busy:
            self._hand_alone()

    @property
    def _busy(self) -> int:
        return sum(not worker.idle for worker in self._workers)

    def _hand_alone(self) -> None:
        """Nothing runs: the turn of a task that must run alone, when all other workers are gone."""
        for worker in self._workers:
            if not worker.leaving:
                self._send_home(worker)
        if not self._workers and (task := self._schedule.next_alone()):
            self._hand(self._fork(), task)

    def _hand(self, worker: _Worker, task: Task | None) -> None:
        if task is None or self._stopping:
            worker.feature = None
            self._send_home(worker)
            return
        worker.task, worker.feature, worker.idle = task, task.feature, False
        now = time.monotonic()
        worker.idled += now - worker.at if worker.at else 0.0
        worker.reached, worker.at = None, now
        self._send(worker, task)

    def _send_home(self, worker: _Worker) -> None:
        self._schedule.leave(worker.feature)
        worker.leaving, worker.feature = True, None
        self._send(worker, None)

    def _send(self, worker: _Worker, task: Task | None) -> None:
        with suppress(OSError):  # it has died; listening to it tells
            worker.connection.send(task)

    def _listen(self) -> None:
        """Wait a moment for messages."""
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), timeout=_TICK):
            worker = by_connection[connection]  # type: ignore[index]
            try:
                message: Ended | Reached = worker.connection.recv()
            except (EOFError, OSError):
                self._bury(worker)
            else:
                if isinstance(message, Reached):
                    worker.reached = message
                else:
                    self._note(worker, message)

    def _note(self, worker: _Worker, message: Ended) -> None:
        printed = worker.printed()
        for played in message.played:
            self._past[played.index] = Past(played=played, printed=printed)
            printed = ""
        self.printed += printed
        worker.task, worker.idle, worker.at = None, True, time.monotonic()
        self.failed = self.failed or message.failed
        if message.left:
            worker.leaving = True
        self._heard(message)

    def _bury(self, worker: _Worker) -> None:
        """A worker is gone: after its leave that is in order, before it what it did is broken."""
        self._workers.remove(worker)
        self.worked += time.monotonic() - worker.began - worker.idled
        worker.connection.close()
        status = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        printed = worker.printed()
        worker.output.close()
        if worker.feature is not None:
            self._schedule.leave(worker.feature)
        if worker.task is not None:
            how = f"by {signal.Signals(-status).name}" if status < 0 else f"with exit status {status}"
            reason = f"the worker that ran this scenario, pid {worker.pid}, was ended {how}"
            if printed.strip():
                reason += f"; it had printed:\n{printed.strip()[-_TAIL:]}"
            for played in self._died(worker.task, reason):
                self._past[played.index] = Past(played=played, printed="")
        else:
            self.printed += printed

    def _fork(self) -> _Worker:
        ours, theirs = Pipe()
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when its worker is buried
        sys.stdout.flush()
        sys.stderr.flush()
        # Python forgets what signals came right after a fork: a worker must not get one before it is one.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if pid == 0:
            for other in self._workers:
                other.connection.close()
                other.output.close()
            ours.close()
            nowhere = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nowhere, 0)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            self._begin(theirs)
        theirs.close()
        worker = _Worker(pid=pid, connection=ours, output=output)
        self._workers.append(worker)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return worker
