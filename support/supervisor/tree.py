"""All that descends from one started process: who belongs to it, and signals for all of them."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import anyio
import anyio.lowlevel

from support.supervisor.errors import LeftBehind
from support.supervisor.guardian import Guardian
from support.supervisor.leftovers import Marks, ProcessInfo, Snapshot, hold, read_process, send, within

_TIME_TO_DIE = 10.0  # seconds after SIGKILL until a process counts as one that cannot be killed


class Census:
    """Looks at the process table. Those who ask at the same time share one look."""

    def __init__(self) -> None:
        this = read_process(os.getpid())
        assert this is not None
        self._since = this.started  # whatever we start is younger
        self._next: _Look | None = None

    async def look(self) -> Snapshot:
        """The process table as it is after this call."""
        look = self._next
        if look is None:
            look = self._next = _Look()
            try:
                await anyio.lowlevel.checkpoint()  # whoever else is about to ask does
            finally:
                self._next = None
                look.snapshot = self.look_now()
                look.taken.set()
        else:
            await look.taken.wait()
        return look.snapshot

    def look_now(self) -> Snapshot:
        """The process table as it is now."""
        return Snapshot(since=self._since)


class _Look:
    snapshot: Snapshot

    def __init__(self) -> None:
        self.taken = anyio.Event()


@dataclass(eq=False)
class Tree:
    """One started process with its descendants, known by ancestry, session, group and environment, and by a
    working directory that nobody else uses. Only a process that has shed all of these before anybody looked
    gets away."""

    name: str
    root: ProcessInfo
    tag: str
    """Of this process alone: `RUN/NUMBER`."""
    cwd: Path
    guardian: Guardian | None
    census: Census
    kin: Callable[[], Iterable["Tree"]]
    """The other trees of the same supervisor, and this one."""
    _known: set[tuple[int, int]] = field(default_factory=set)

    @cached_property
    def _cwd(self) -> str:
        return str(self.cwd.resolve())

    def members(self) -> tuple[ProcessInfo, ...]:
        """Those alive now, the root included."""
        return _alive(self._found_in(self.census.look_now()))

    def signal(self, number: int) -> None:
        """One signal to all members."""
        for member in self.members():
            send(member, number)

    def pause(self) -> None:
        """Stops all members, also those that are born while we do it."""
        stopped: set[int] = set()
        while fresh := [member for member in self.members() if member.pid not in stopped]:
            for member in fresh:
                send(member, signal.SIGSTOP)
                stopped.add(member.pid)

    async def terminate(self, *, grace: float) -> None:
        """SIGTERM to all members; SIGKILL to those that are there after `grace` seconds. Raises
        LeftBehind."""
        told: set[tuple[int, int]] = set()
        looks = 2
        with anyio.move_on_after(grace):
            while members := _alive(self._found_in(await self.census.look())):
                for member in members:
                    if (member.pid, member.started) not in told:
                        told.add((member.pid, member.started))
                        send(member, signal.SIGTERM, signal.SIGCONT)  # a paused one hears nothing before
                await _gone(members)
            looks = 1  # the first has found nobody
        await self._kill(looks=looks)

    async def kill(self) -> None:
        """SIGKILL to all members until two looks in a row find none. Raises LeftBehind."""
        await self._kill(looks=2)

    async def _kill(self, *, looks: int) -> None:
        deadline = time.monotonic() + _TIME_TO_DIE
        while looks:
            found = self._found_in(await self.census.look())
            members = _alive(found)
            looks = 2 if members else looks - 1
            for member in members:
                send(member, signal.SIGKILL)
            if members:
                with anyio.move_on_after(1):
                    await _gone(members)
                if time.monotonic() > deadline:
                    raise LeftBehind(_unkillable(self.name, members), members)
            self._reap(info for info in found if not info.alive)
        if self.guardian is not None:
            self.guardian.release(self.root.pid)
            for pid, _ in self._known:
                self.guardian.release(pid)

    def _found_in(self, now: Snapshot) -> list[ProcessInfo]:
        marks = Marks(
            since=self.root.started,
            processes=frozenset({(self.root.pid, self.root.started), *self._known}),
            tags=frozenset({self.tag}),
        )
        ours = now.belonging(marks)
        ours |= self._strays(now) - ours
        found = [now.processes[pid] for pid in ours]
        for info in found:
            self._remember(info)
        return found

    def _remember(self, info: ProcessInfo) -> None:
        """Once seen, it remains ours whatever it does to its looks."""
        identity = (info.pid, info.started)
        if identity not in self._known and info.pid != self.root.pid and info.alive:
            self._known.add(identity)
            if self.guardian is not None:
                self.guardian.register(info)

    def _strays(self, now: Snapshot) -> set[int]:
        """Those that only their working directory betrays."""
        if self.guardian is None:
            return set()
        cwd = self._cwd
        if not any(within(cwd, str(private)) for private in self.guardian.directories):
            return set()
        neighbours = [tree for tree in self.kin() if tree.name != self.name]
        mine = now.belonging(Marks(since=self.root.started, directories=(cwd,)))
        if not mine:
            return mine
        run = self.tag.partition("/")[0]
        tagged = {pid for pid in mine if any(tag.startswith(f"{run}/") for tag in now.tags(pid))}
        registered = {(info.pid, info.started) for info in self.guardian.registered}
        own = {(self.root.pid, self.root.started), *self._known}
        # If others use the directory as well, or one below it, whose a stray is cannot be told.
        inner = tuple(str(tree.cwd) for tree in neighbours if within(str(tree.cwd), cwd))
        others = Marks(since=0, processes=frozenset(registered - own), directories=inner)
        return mine - tagged - now.belonging(others)

    def _reap(self, zombies: Iterable[ProcessInfo]) -> None:
        # Orphans among them have become our children, and nobody else takes note of their end. The root has a
        # watcher.
        for info in zombies:
            if info.parent == os.getpid() and info.pid != self.root.pid:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(info.pid, os.WNOHANG)


def _alive(found: Iterable[ProcessInfo]) -> tuple[ProcessInfo, ...]:
    return tuple(info for info in found if info.alive)


async def _gone(processes: Iterable[ProcessInfo]) -> None:
    """Waits until all of them are dead."""
    for process in processes:
        pidfd = hold(process)
        if pidfd is not None:
            try:
                await anyio.wait_readable(pidfd)
            finally:
                os.close(pidfd)


def _unkillable(name: str, processes: Iterable[ProcessInfo]) -> str:
    listed = ", ".join(f"{info.command} (pid {info.pid}, state {info.state})" for info in processes)
    return (
        f"{name} left processes that did not die within {_TIME_TO_DIE:g} s of SIGKILL: {listed}. "
        "Do they run as another user, or hang in the kernel (state D)? As root, `cat /proc/PID/stack` tells."
    )
