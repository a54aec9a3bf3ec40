"""The harness's side of the guardian: a small process that outlives the harness and clears up after it.

    sweep(home)                          # what earlier runs left, if even their guardian was killed
    with Guardian.start(home) as guardian:
        ...                              # guardian.directory is private to this run and gone afterwards
    assert not guardian.removed          # what was still running at the end

However the harness ends, SIGKILL included, the kernel closes its end of the guardian's pipe, and that is the
sign to act.
"""

import fcntl
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from support.supervisor import leftovers
from support.supervisor.leftovers import ProcessInfo

_TRY = "\ntry: see that this engine answers and has room, then acceptance clean"


class GuardianFailed(Exception):
    """Something of the run could not be removed; the message says what and where."""


@dataclass(frozen=True)
class Leftovers:
    """What a dead run had left behind, now removed; or left alone, if another version's run did."""

    directory: Path
    processes: tuple[ProcessInfo, ...]
    containers: tuple[str, ...] = ()
    """What could not be removed from which Docker engine, in words; the next sweep tries again."""
    unknown: str = ""
    """Why all of it was left alone, in words; empty when it was not."""


class Guardian:
    """One run's guardian, made by `start`. Leaving its block, or `close`, ends the run."""

    directory: Path
    """The run's private directory."""
    tag: str
    """The run's name; every process of the run carries it in its environment."""
    removed: tuple[ProcessInfo, ...]
    """After `close`: what was still running then and was killed. Normally empty."""

    def __init__(self, *, directory: Path, tag: str, registry: Path, log: int) -> None:
        self.directory = directory
        self.tag = tag
        self.removed = ()
        self._registry = registry
        self._log = log
        self._registered: dict[int, ProcessInfo] = {}
        self._directories = [directory]
        self._engines: list[list[str]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", leftovers.__file__, str(registry)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            # Under another supervisor it remains that one's process, or nobody would end it if it went
            # astray.
            env={name: os.environ[name] for name in (leftovers.TAG,) if name in os.environ},
            start_new_session=True,
            # The lock on the registry belongs to both: the run is dead when neither lives.
            pass_fds=(log,),
        )

    @classmethod
    def start(cls, home: Path) -> Self:
        """Starts the guardian of a new run, whose directory is made below `home`, which is made if need be.

        Raises GuardianFailed if `home` is not a directory of this user alone.
        """
        with _locked(home):
            tag, log = _new_registry(home)
            fcntl.flock(log, fcntl.LOCK_EX)
            directory = home / tag
            directory.mkdir(mode=0o700)
        harness = leftovers.read_process(os.getpid())
        assert harness is not None
        _append(
            log,
            version=leftovers.VERSION,
            run=tag,
            directory=str(directory),
            harness=[harness.pid, harness.started],
            boot=leftovers.boot_id(),
        )
        return cls(directory=directory, tag=tag, registry=home / f"{tag}.registry", log=log)

    @property
    def registered(self) -> tuple[ProcessInfo, ...]:
        """The processes registered and not yet released."""
        return tuple(self._registered.values())

    @property
    def directories(self) -> tuple[Path, ...]:
        """The directories that end with the run."""
        return tuple(self._directories)

    def register(self, process: ProcessInfo) -> None:
        """This process, its descendants, session and group end with the run at the latest."""
        self._registered[process.pid] = process
        _append(self._log, process=[process.pid, process.started])

    def release(self, pid: int) -> None:
        """Nothing is left of this process and its descendants: its pid may soon be a stranger's."""
        info = self._registered.pop(pid, None)
        if info is not None:
            _append(self._log, released=[pid, info.started])

    def register_directory(self, path: Path) -> None:
        """This directory is removed at the end of the run, and whoever works in it then is killed.

        Raises ValueError if more would go with it: the user's home, the working directory, other runs.
        """
        path = path.resolve()
        for dear in (Path.home(), Path.cwd(), self.directory):
            if dear.is_relative_to(path):
                raise ValueError(f"{path} would be removed at the end of the run, and {dear} with it")
        self._directories.append(path)
        _append(self._log, directory=str(path))

    def register_engine(self, client: str, host: str, label: str) -> None:
        """What carries the run's tag as this label on the Docker engine at `host` is removed at the end.

        `client` is the path of the docker command.
        """
        record = [client, host, label]
        if record not in self._engines:
            self._engines.append(record)
            _append(self._log, engine=record)

    def close(self) -> None:
        """Ends the run: waits until all that is registered is gone, and fills `removed`.

        Raises GuardianFailed if a process, a directory or a container could not be removed within 30 seconds.
        """
        if self._log < 0:
            return
        answer, complaint = self._process.communicate()
        if self._process.returncode == 0:
            fields = json.loads(answer)
            report = leftovers.Report(
                [ProcessInfo(*info) for info in fields[0]],
                [ProcessInfo(*info) for info in fields[1]],
                fields[2],
                fields[3],
            )
        else:  # it was killed itself, or is broken: its work remains to be done
            report = leftovers.finish(self._registry)
        os.close(self._log)
        self._log = -1
        self.removed = tuple(report.killed)
        if report.remaining or report.directories or report.containers:
            raise GuardianFailed(
                f"The run {self.tag} is over, but these would not go: "
                + ", ".join(
                    [f"{info.command} (pid {info.pid})" for info in report.remaining]
                    + report.directories
                    + report.containers
                )
                + f".\nThe list of all it started is {self._registry}. {complaint.decode(errors='replace')}"
                + (_TRY if report.containers else "")
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def sweep(home: Path) -> list[Leftovers]:
    """Removes what dead runs left below `home`: those whose harness and guardian were both killed.

    Runs that live, or whose guardian is still at work, are not touched, nor are those of another version of
    this suite, whose records may mean anything. Raises GuardianFailed if `home` is not a directory of this
    user alone.
    """
    dead: list[tuple[Path, int]] = []
    with _locked(home):
        for registry in sorted(home.glob("*.registry")):
            try:
                log = os.open(registry, os.O_RDONLY)
            except FileNotFoundError:  # its guardian was done just now
                continue
            try:
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(log)
                continue
            if os.fstat(log).st_nlink:
                dead.append((registry, log))
            else:  # it was done before it could be locked
                os.close(log)
    found = []
    for registry, log in dead:
        directory = registry.with_suffix("")
        try:
            run = leftovers.read_registry(registry)
            if run is None or not run.harness_alive:
                report = leftovers.finish(registry)
                leftovers.removed(directory)
                found.append(Leftovers(directory, tuple(report.killed), tuple(report.containers)))
        except leftovers.NotUnderstood as error:
            found.append(Leftovers(directory, (), unknown=str(error)))
        finally:
            os.close(log)
    return found


def _append(log: int, **record: object) -> None:
    os.write(log, json.dumps(record).encode() + b"\n")


def _new_registry(home: Path) -> tuple[str, int]:
    while True:
        tag = secrets.token_hex(4)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        try:
            return tag, os.open(home / f"{tag}.registry", flags, 0o600)
        except FileExistsError:
            continue


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Nobody else starts or sweeps a run meanwhile, so every registry that can be seen has been locked by its
    run."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = home.lstat()
    if not home.is_dir() or home.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise GuardianFailed(
            f"{home} should be a directory of user {os.getuid()} alone (mode 0700), but is not: "
            f"mode {status.st_mode & 0o7777:04o}, owner {status.st_uid}. "
            "Remove it, or set TMPDIR to another place."
        )
    directory = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)
