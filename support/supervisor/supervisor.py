"""Starts processes and answers for them: when its block is left, for whatever reason, nothing of them is
left.

async with Supervisor(directory) as supervisor:
    redis = await supervisor.start(Command(name="redis", argv=["redis-server", ...], ready=Port(6379), ...))
    await redis.output.line("Ready to accept connections", within=5)
"""

import itertools
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio
import anyio.lowlevel

from support.supervisor.capture import Capture
from support.supervisor.commands import Command, Exit
from support.supervisor.errors import LeftBehind
from support.supervisor.guardian import Guardian
from support.supervisor.leftovers import TAG, read_process
from support.supervisor.poller import Poller
from support.supervisor.process import Process
from support.supervisor.spawning import Child, keep_descriptors, reap, spawn, spawn_into
from support.supervisor.spool import Bell, Mask
from support.supervisor.subreaper import become_subreaper
from support.supervisor.tree import Census, Tree

_numbers = itertools.count(1)  # one sequence for all supervisors: they may share a run
_taken: set[str] = set()  # DIRECTORY/NAME of all spools, of all supervisors: they may share a directory


class Supervisor:
    """See the module. It must be left by the task that entered it; in between any task may use it."""

    def __init__(
        self,
        spools: Path,
        *,
        guardian: Guardian | None = None,
        on_event: Callable[[str, str, Mapping[str, object]], None] | None = None,
        mask: Callable[[str], Mask] | None = None,
    ) -> None:
        """Everything that is printed goes to files in `spools`, which is made if need be.

        With a guardian, all that is started goes even if this program is killed. `on_event` is called with
        kind, name of the process and detail: "process.started" {pid}, "process.exited" {status, signal,
        seconds}. `mask` makes, for the name of a spool, what hides secrets in it.
        """
        self._spools = spools.absolute()
        self._guardian = guardian
        self._on_event = on_event
        self._mask = mask
        self._run = guardian.tag if guardian else secrets.token_hex(4)
        self._open = False
        self._processes: list[Process] = []
        self._trees: list[Tree] = []
        self._census = Census()

    @property
    def processes(self) -> tuple[Process, ...]:
        """All ever started, in order."""
        return tuple(self._processes)

    async def start(self, command: Command) -> Process:
        """Starts a program and waits until it is ready. If that fails, or is cancelled, its whole tree is
        killed.

        Raises CannotStart, DiedEarly or NotReady.
        """
        process = await self.spawn(command)
        try:
            await process.ready()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await process.kill()
            raise
        return process

    async def spawn(self, command: Command) -> Process:
        """Starts a program without waiting for its readiness. Raises CannotStart."""
        if not self._open:
            raise RuntimeError(
                f"{command.name} cannot start: the supervisor's block has not been entered, or is left"
            )
        await anyio.lowlevel.checkpoint()  # the last moment to cancel: nothing has been started yet
        tag, environment = self._environment(command)
        started_at = time.monotonic_ns()
        child = spawn(command, environment)
        tree = self._tree(command, child, tag)
        bell = Bell()
        captures = self._captures(command.name, child, bell)

        async def run(argv: Sequence[str]) -> tuple[Exit, str]:
            return await self._run_to_end(replace(command, argv=argv, terminal=None))

        process = Process(
            command,
            child,
            tree=tree,
            captures=captures,
            bell=bell,
            poller=self._poller,
            run=run,
            on_exit=self._exited,
            started_at=started_at,
        )
        self._trees.append(tree)
        self._processes.append(process)
        self._tell("process.started", command.name, pid=process.pid)
        return process

    async def __aenter__(self) -> Self:
        become_subreaper()
        keep_descriptors()
        self._spools.mkdir(parents=True, exist_ok=True)
        _taken.update(str(old.with_suffix("")) for old in self._spools.iterdir())
        self._poller = Poller(self._failed)
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._poller.run)
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        self._open = False
        failures: list[LeftBehind] = []
        try:
            with anyio.CancelScope(shield=True):
                await self._stop_all(failures)
        finally:
            for process in self._processes:
                process.close()
            self._poller.close()
            # The group makes a group of any exception it is told of; it has to know of cancellation only.
            cancelled = isinstance(error, anyio.get_cancelled_exc_class())
            told = (kind, error, trace) if cancelled else (None, None, None)
            swallowed = await self._tasks.__aexit__(*told)
        if failures:
            raise failures[0]
        return swallowed if cancelled else None

    async def _stop_all(self, failures: list[LeftBehind]) -> None:
        async def stop(process: Process) -> None:
            try:
                await process.stop()
            except LeftBehind as failure:
                failures.append(failure)

        async with anyio.create_task_group() as tasks:
            for process in self._processes:
                if not process.stopped:
                    tasks.start_soon(stop, process)

    async def _run_to_end(self, command: Command) -> tuple[Exit, str]:
        """How the command ended, and the end of what it printed; nothing of it is left after that."""
        tag, environment = self._environment(command)
        with tempfile.TemporaryFile(dir=self._spools) as printed:
            child = spawn_into(command, environment, printed.fileno())
            tree = self._tree(command, child, tag)
            try:
                await anyio.wait_readable(child.pidfd)
            finally:
                with anyio.CancelScope(shield=True):
                    await tree.kill()
                exit_ = reap(child)
                os.close(child.pidfd)
            assert exit_ is not None
            printed.seek(max(0, printed.seek(0, os.SEEK_END) - 1000))
            return exit_, printed.read().decode(errors="replace").strip()

    def _environment(self, command: Command) -> tuple[str, dict[str, str]]:
        tag = f"{self._run}/{next(_numbers)}"
        # Under another supervisor, what we start is that one's as well.
        words = [*os.environ.get(TAG, "").split(), tag]
        return tag, {**command.env, TAG: " ".join(words)}

    def _tree(self, command: Command, child: Child, tag: str) -> Tree:
        root = read_process(child.popen.pid)
        assert root is not None  # not reaped yet, so at least a zombie
        if self._guardian is not None:
            self._guardian.register(root)
        return Tree(command.name, root, tag, command.cwd, self._guardian, self._census, lambda: self._trees)

    def _captures(self, name: str, child: Child, bell: Bell) -> dict[str, Capture]:
        captures = {}
        stem = self._free_stem(name)
        for stream, fd in child.outputs.items():
            path = Path(f"{stem}.{stream}")
            mask = self._mask(path.name) if self._mask else None
            captures[stream] = Capture(fd, path, name=stream, mask=mask, bell=bell, poller=self._poller)
        return captures

    def _free_stem(self, name: str) -> str:
        """DIRECTORY/NAME, or with -2, -3 … if there are spools of that name from earlier starts."""
        first = f"{self._spools}/{name}"
        stems = itertools.chain([first], (f"{first}-{number}" for number in itertools.count(2)))
        stem = next(stem for stem in stems if stem not in _taken)
        _taken.add(stem)
        return stem

    def _failed(self, error: Exception) -> None:
        """Lets the error break the block, as that of any task would."""

        async def fail() -> None:
            raise error

        self._tasks.start_soon(fail)

    def _exited(self, process: Process, exit_: Exit) -> None:
        seconds = (exit_.at - process.started_at) / 1e9
        self._tell("process.exited", process.name, status=exit_.status, signal=exit_.signal, seconds=seconds)

    def _tell(self, kind: str, name: str, **detail: object) -> None:
        if self._on_event is not None:
            self._on_event(kind, name, detail)
