"""Finds and kills what a run has left behind. Needs nothing but the standard library.

The supervisor imports it to know the tree of a process; as the guardian it runs by itself, `python -I -S
leftovers.py REGISTRY`, and acts when the harness at the other end of its standard input is gone. Run so, it
can import nothing of its neighbours: that is why it is one file.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

TAG = "SUPERVISED_BY"
"""Name of the environment variable that marks what a run started: words `RUN/NUMBER`, one for each supervisor
it stands under."""

VERSION = 1
"""Of what a registry's records mean. A run that is written down in another one is not ours to remove."""


K = TypeVar("K", int, str)


class ProcessInfo(NamedTuple):
    """One row of the process table, proc(5). `pid` and `started` together name a process for good."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    """Clock ticks since boot."""
    state: str
    terminal: int
    """Number of the controlling terminal, 0 if it has none."""
    command: str
    """The first 15 bytes of the program's name."""

    @property
    def alive(self) -> bool:
        """False for a zombie: nothing of it runs any more."""
        return self.state not in ("Z", "X")


class Marks(NamedTuple):
    """What makes a process one of ours."""

    since: int
    """Clock ticks since boot; what is older is a stranger whatever it looks like."""
    processes: frozenset[tuple[int, int]] = frozenset()
    """(pid, started) of processes known to be ours. Their descendants, sessions and groups are ours too."""
    tags: frozenset[str] = frozenset()
    run: str | None = None
    """Every tag of this run counts."""
    directories: tuple[str, ...] = ()
    """Whoever works in or below one of these is ours, if it has no terminal: a person who looks around with a
    shell is not."""


def read_process(pid: int) -> ProcessInfo | None:
    """The process with this pid, None if there is none."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        name, _, rest = os.read(fd, 4096).rpartition(b")")
    except OSError:
        return None
    finally:
        os.close(fd)
    fields = rest.split()
    return ProcessInfo(
        pid=pid,
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        started=int(fields[19]),
        state=fields[0].decode(),
        terminal=int(fields[4]),
        command=name.partition(b"(")[2].decode(errors="replace"),
    )


class Snapshot:
    """The process table at one instant. Environments and working directories are read when first asked
    for."""

    def __init__(self, *, since: int = 0) -> None:
        """What started before `since` (clock ticks since boot) belongs to nobody who will ask."""
        with os.scandir("/proc") as entries:
            pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
        found = (read_process(pid) for pid in pids)
        self.processes: Mapping[int, ProcessInfo] = {info.pid: info for info in found if info}
        self._young = [info for info in self.processes.values() if info.started >= since]
        self._tags: dict[int, frozenset[str]] = {}

    def tags(self, pid: int) -> frozenset[str]:
        """The tags in its environment; none if it may not be read, or was overwritten as redis-server
        does."""
        if pid not in self._tags:
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                environment = b""
            _, found, rest = (b"\0" + environment).partition(f"\0{TAG}=".encode())
            words = rest.partition(b"\0")[0].decode(errors="replace").split() if found else ()
            self._tags[pid] = frozenset(words)
        return self._tags[pid]

    def directory(self, pid: int) -> str:
        """Its working directory, also a deleted one; "" if that may not be read."""
        try:
            return str(Path(f"/proc/{pid}/cwd").readlink()).removesuffix(" (deleted)")
        except OSError:
            return ""

    def belonging(self, marks: Marks) -> set[int]:
        """The pids that carry one of the marks or descend from one that does, zombies included.

        Never the caller, one of its ancestors, or one that descends from ours through the caller only.
        """
        me = os.getpid()
        ours = {
            pid
            for pid in (*self._known(marks), *self._marked(marks))
            if pid != me and self.processes[pid].started >= marks.since
        }
        waiting = list(ours)
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child not in ours and child != me and self.processes[child].started >= marks.since:
                    ours.add(child)
                    waiting.append(child)
        return ours.difference(self._ancestors)

    def _known(self, marks: Marks) -> Iterator[int]:
        """Those that the marks name, and whom they lead."""
        for number, started in marks.processes:
            bearer = self.processes.get(number)
            if bearer is not None and bearer.started != started:
                # A pid is not given away while it names a session or group. So if its bearer is another
                # process, ours is over and the number belongs to a stranger.
                continue
            if bearer is not None:
                yield number
            yield from self._led.get(number, ())

    def _marked(self, marks: Marks) -> Iterator[int]:
        """Those alive whose environment or working directory tells."""
        for tag in marks.tags:
            yield from self._tagged.get(tag, ())
        if marks.run:
            for tag, pids in self._tagged.items():
                if tag.startswith(f"{marks.run}/"):
                    yield from pids
        if marks.directories:
            for directory, pids in self._working_in.items():
                if any(within(directory, private) for private in marks.directories):
                    yield from pids

    @cached_property
    def _ancestors(self) -> frozenset[int]:
        """The caller and those that it descends from."""
        found: set[int] = set()
        pid = os.getpid()
        while process := self.processes.get(pid):
            found.add(pid)
            pid = process.parent
        return frozenset(found)

    @cached_property
    def _children(self) -> Mapping[int, list[int]]:
        return _grouped((info.parent, info.pid) for info in self._young)

    @cached_property
    def _led(self) -> Mapping[int, list[int]]:
        """By the number of a session or group, its members."""
        return _grouped((number, info.pid) for info in self._young for number in {info.session, info.group})

    @cached_property
    def _tagged(self) -> Mapping[str, list[int]]:
        alive = (info.pid for info in self._young if info.alive)
        return _grouped((tag, pid) for pid in alive for tag in self.tags(pid))

    @cached_property
    def _working_in(self) -> Mapping[str, list[int]]:
        """By working directory, those without a terminal."""
        settled = (info.pid for info in self._young if info.alive and not info.terminal)
        return _grouped((self.directory(pid), pid) for pid in settled)


def _grouped(pairs: Iterable[tuple[K, int]]) -> dict[K, list[int]]:
    found: dict[K, list[int]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def within(path: str, directory: str) -> bool:
    """Whether an absolute path is this directory or lies below it."""
    return path == directory or path.startswith(f"{directory}/")


def hold(process: ProcessInfo) -> int | None:
    """A pidfd of exactly this process, which the caller closes; None if it is gone, whoever has its pid
    now."""
    try:
        fd = os.pidfd_open(process.pid)
    except OSError:
        return None
    now = read_process(process.pid)
    if now is None or now.started != process.started:
        os.close(fd)
        return None
    return fd


def send(process: ProcessInfo, *numbers: int) -> bool:
    """Signals exactly this process, in this order. False if it is gone or belongs to somebody whom we may not
    signal."""
    fd = hold(process)
    if fd is None:
        return False
    try:
        for number in numbers:
            signal.pidfd_send_signal(fd, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(fd)
    return True


def extinguish(
    find: Callable[[], list[ProcessInfo]], *, seconds: float
) -> tuple[list[ProcessInfo], list[ProcessInfo]]:
    """Kills what `find` finds until it finds nothing twice in a row: (what was killed, what would not die in
    time).

    Once is not enough: a process may fork behind the back of a scan, and end before the scan comes to it.
    """
    killed: dict[tuple[int, int], ProcessInfo] = {}
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 2:
        found = find()
        quiet = 0 if found else quiet + 1
        for process in found:
            if send(process, signal.SIGKILL):
                killed[process.pid, process.started] = process
        _wait_gone(found, seconds=0.2)
        if found and time.monotonic() > deadline:
            left = {(process.pid, process.started) for process in found}
            return [process for key, process in killed.items() if key not in left], found
    return list(killed.values()), []


def _wait_gone(processes: Iterable[ProcessInfo], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for process in processes:
        fd = hold(process)
        if fd is not None:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            os.close(fd)


class Run(NamedTuple):
    """What the registry of a run says: JSON lines, written as the run goes on."""

    harness: tuple[int, int]
    """(pid, started) of the process whose run it is."""
    boot: str
    """The kernel's boot id: pids of another boot mean nothing."""
    marks: Marks
    engines: tuple[tuple[str, str, str], ...] = ()
    """Docker engines that the run has used: the docker command, the engine's address, the run's label."""

    @property
    def harness_alive(self) -> bool:
        now = read_process(self.harness[0])
        same = now is not None and now.alive and now.started == self.harness[1]
        return same and self.boot == boot_id()


class Report(NamedTuple):
    """How the end of a run went."""

    killed: list[ProcessInfo]
    remaining: list[ProcessInfo]
    """Processes that would not die, or belong to somebody whom we may not signal."""
    directories: list[str]
    """Directories that could not be removed."""
    containers: list[str] = []  # noqa: RUF012 - nobody adds to it
    """What of the run could not be removed from which Docker engine, in words."""


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class NotUnderstood(Exception):
    """A registry that another version of this suite has written; the message says why it must be one."""


def read_registry(path: Path) -> Run | None:
    """The run that this registry describes; None if its harness died before it had written the first line.

    Raises NotUnderstood.
    """
    import json  # the guardian needs it only at the end, and starts twice as fast without

    records = []
    text = path.read_bytes()
    for line in text.splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:  # the harness died while it wrote this line
            continue
    if not records:
        if b"\n" in text:
            raise NotUnderstood("it has no records")
        return None
    try:
        return _run_of(records)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotUnderstood(f"its records are strange: {error!r}") from error


def _run_of(records: Sequence[Mapping[str, Any]]) -> Run:
    first = records[0]
    version = first.get("version", VERSION)
    if version != VERSION:
        raise NotUnderstood(f"its records are of version {version}, not {VERSION}")
    processes: set[tuple[int, int]] = set()
    engines = []
    directories = [first["directory"]]
    for record in records[1:]:
        if "process" in record:
            processes.add(tuple(record["process"]))
        elif "released" in record:
            processes.discard(tuple(record["released"]))
        elif "engine" in record:
            engines.append(tuple(record["engine"]))
        else:
            directories.append(record["directory"])
    pid, started = first["harness"]
    marks = Marks(started, frozenset(processes), frozenset(), first["run"], tuple(directories))
    return Run((pid, started), first["boot"], marks, tuple(engines))


def finish(registry: Path, *, seconds: float = 30.0) -> Report:
    """Kills what is left of a run, removes its directories and, if nothing remains, its registry.

    Raises NotUnderstood, and has done nothing then.
    """
    run = read_registry(registry)
    if run is None:
        registry.unlink(missing_ok=True)
        return Report([], [], [])

    def find() -> list[ProcessInfo]:
        now = Snapshot(since=run.marks.since)
        ours = now.belonging(run.marks)
        return [now.processes[pid] for pid in ours if now.processes[pid].alive]

    killed, remaining = extinguish(find, seconds=seconds) if run.boot == boot_id() else ([], [])
    directories = [path for path in reversed(run.marks.directories) if not removed(Path(path))]
    containers = [left for engine in run.engines if (left := clear_engine(*engine, tag=run.marks.run or ""))]
    if not remaining and not directories and not containers:
        registry.unlink(missing_ok=True)
    return Report(killed, remaining, directories, containers)


_KINDS = (
    (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
    (("network", "ls", "--quiet"), ("network", "rm")),
    (("volume", "ls", "--quiet"), ("volume", "rm", "--force")),
)
"""How what carries a label is listed and removed, in this order: what is used goes after its user."""


def clear_engine(client: str, host: str, label: str, *, tag: str) -> str:
    """Removes the containers, networks and volumes of a run from a Docker engine.

    Returns what is in the way of that, in words; empty when nothing of the run is left.
    """
    import subprocess  # for runs on Docker alone

    def docker(*words: str) -> list[str]:
        environment = {"PATH": os.defpath, "DOCKER_HOST": host, "HOME": "/nonexistent"}
        asked = subprocess.run(
            [client, *words], env=environment, capture_output=True, text=True, timeout=20, check=False
        )
        if asked.returncode:
            raise OSError(" ".join(asked.stderr.split())[-300:] or f"docker {words[0]} failed")
        return asked.stdout.split()

    try:
        for listing, removing in _KINDS:
            # Again, if need be: a command that was killed may have asked for one more.
            while found := docker(*listing, "--filter", f"label={label}={tag}"):
                docker(*removing, *found)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"what carries the label {label}={tag} on the Docker engine at {host}: {error}"
    return ""


def removed(directory: Path) -> bool:
    """Removes a directory with all that is in it; False if something of it would not go."""
    import shutil

    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():  # a program may have taken away its own directories' permissions
        _unlock(directory)
        for parent, names, _ in os.walk(directory):
            for name in names:
                _unlock(Path(parent, name))
        shutil.rmtree(directory, ignore_errors=True)
    return not directory.exists()


def _unlock(directory: Path) -> None:
    if not directory.is_symlink():
        with suppress(OSError):
            directory.chmod(0o700)


def main(registry: Path) -> None:
    """The guardian: sleeps until the harness is gone, then finishes its run and reports as JSON."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    report = finish(registry)
    import json

    with suppress(BrokenPipeError):  # if the harness was killed, nobody is there to read it
        os.write(1, json.dumps(report).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
