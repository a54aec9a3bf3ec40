"""What one run owns: its settings, its operator's profile, the guardian, the event loop, the redactor."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from support.event_loop import EventLoop
from support.evidence.redaction import Redactor, secrets_of
from support.machine import docker
from support.machine.temporary import home
from support.model import Model, ModelDouble, Script
from support.model.live import LiveModel, upstream_of
from support.model.meter import Meter
from support.model.places import Places
from support.model.recording import Recorder, recording_of
from support.model.replay import ReplayedModel
from support.preparation import Prepared
from support.report.write import EVIDENCE
from support.sabotage.at_work import AtWork
from support.stacks.joined import joined_ratelimiter, subject_at
from support.stacks.joined_tikv import joined_tikv
from support.stacks.process import ratelimiter_on_processes
from support.stacks.shared import SharedStacks, shared_stacks
from support.stacks.stack import Stack
from support.stacks.tikv_on_processes import tikv_on_processes
from support.stacks.tikv_programs import DEFAULT_TIMES, Programs, native, stand_ins
from support.supervisor import Guardian, Supervisor, sweep
from support.verdict import BrokenBed, NotVerified

if TYPE_CHECKING:
    from support.stacks.docker_operator import OperatorContainers
_JOINED: Mapping[str, Callable[[Path], AbstractAsyncContextManager[Stack]]] = {
    "ratelimiter": joined_ratelimiter,
    "tikv": joined_tikv,
}

ONLY_DOUBLE = "what the model says is part of this scenario; run it with -D model=double"

OnEvent = Callable[[str, str, Mapping[str, object]], None]
"""Is told of what happens to processes: kind of event, process, detail."""


@dataclass(frozen=True, kw_only=True)
class FeatureRoom:
    """Where the scenarios of one feature keep their evidence, and the stacks they share."""

    evidence: Path
    stacks: SharedStacks


class Run:
    """One run of the suite, from its first hook to its last."""

    def __init__(self, prepared: Prepared) -> None:
        self.settings = settings = prepared.settings
        self.profile = prepared.profile
        self._sabotage = prepared.sabotage
        self.sabotage: AtWork | None = None
        self.canary = f"sk-ant-canary-{secrets.token_hex(24)}"
        """The API key that operators are given, good for nothing, so that one who leaks it is found out."""
        self.redactor = Redactor(
            {
                "the operator's API key": self.canary,
                **secrets_of(os.environ),
            }
        )
        self._meter = Meter(budget=settings.budget, price=settings.price)
        self._exits = ExitStack()
        self._opened = 0

    def __enter__(self) -> Self:
        sweep(home())
        self.guardian = self._exits.enter_context(Guardian.start(home()))
        if self._sabotage is not None:
            self.sabotage = AtWork(
                self._sabotage, base=Path.cwd(), directory=self.guardian.directory / "sabotage"
            )
        self.loop = self._exits.enter_context(EventLoop())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    def directory(self, name: str) -> Path:
        """Make a new private directory of this run; its path is short enough for a unix socket."""
        self._opened += 1
        directory = self.guardian.directory / f"{name}{self._opened}"
        directory.mkdir()
        return directory

    def allow_model(self, *, scripted: bool) -> None:
        """Raise NotVerified, with what to do about it, when the model that is set may not be asked here."""
        if self.settings.model == "double":
            return
        if scripted:
            raise NotVerified(ONLY_DOUBLE)
        if self.settings.model in ("live", "record"):
            if not secrets_of(os.environ):
                raise NotVerified(
                    f"there is no key for the real model, which -D model={self.settings.model} asks for: "
                    "set ANTHROPIC_API_KEY"
                )
            if not self.settings.allow_host_shell:
                raise NotVerified(
                    "a real model would run its commands on this machine; "
                    "allow it with -D allow_host_shell=yes"
                )

    @asynccontextmanager
    async def model(self, script: Script, *, evidence: Path) -> AsyncIterator[Model]:
        """The model that is set, with its evidence in the directory `evidence`; `script` is the double's."""
        log = evidence / "model.jsonl"
        if self.settings.model == "double":
            async with ModelDouble(script, evidence=log, redactor=self.redactor) as model:
                yield model
            return
        kept = recording_of(self.settings.recordings, evidence)
        places = Places(private=self.guardian.directory)
        if self.settings.model == "replay":
            async with ReplayedModel(kept, places=places, evidence=log, redactor=self.redactor) as replayed:
                yield replayed
            return
        recorder = Recorder(kept, places, self.redactor) if self.settings.model == "record" else None
        live = LiveModel(
            upstream=upstream_of(os.environ),
            meter=self._meter,
            recorder=recorder,
            evidence=log,
            redactor=self.redactor,
        )
        async with live:
            yield live

    @property
    def code(self) -> Path:
        """The root of the code that is run: this repository, or a damaged copy of it."""
        return self.sabotage.code if self.sabotage else Path.cwd()

    def supervisor(self, spools: Path, *, on_event: OnEvent | None = None) -> Supervisor:
        """A supervisor under this run's guardian, which masks this run's secrets."""
        return Supervisor(spools, guardian=self.guardian, mask=self.redactor.mask, on_event=on_event)

    def _docker_stack(
        self, subject: str, directory: Path, supervisor: Supervisor
    ) -> AbstractAsyncContextManager[Stack]:
        from support.stacks.docker_stack import docker_stack  # slow to import, and for these runs alone

        return docker_stack(
            subject,
            joined=self.settings.project,
            guardian=self.guardian,
            directory=directory,
            supervisor=supervisor,
        )

    def expect_containers(self) -> None:
        """Raise NotVerified, with what to do about it, unless stacks are made of containers."""
        if self.settings.stack == "docker":
            return
        engine = docker.engine(os.environ)
        if not engine.fits:
            raise NotVerified(
                f"no Docker engine: {engine.seen}; {engine.next_step}, and run with -D stack=docker"
            )
        raise NotVerified("it needs a stack of containers; run with -D stack=docker")

    @asynccontextmanager
    async def operator_place(
        self, stack: Stack, directory: Path
    ) -> AsyncIterator["OperatorContainers | None"]:
        """Where the operator's processes run: in containers, or (None) on this machine."""
        if self.settings.operator_in == "host":
            yield None
            return
        from support.stacks.docker_operator import operator_in_containers
        from support.stacks.on_docker import OnDocker

        assert isinstance(stack, OnDocker)  # the settings see to that
        async with operator_in_containers(stack, directory) as containers:
            yield containers

    @cached_property
    def _binaries(self) -> Programs:
        return native(os.environ, self.settings.tikv_bin)

    def _tikv(self, *, times: float = DEFAULT_TIMES) -> Programs:
        return self._binaries if self.settings.stack == "native" else stand_ins(times)

    @asynccontextmanager
    async def feature(self, name: str) -> AsyncIterator[FeatureRoom]:
        """Open what the scenarios of one feature share."""
        evidence = self.settings.reports / EVIDENCE / name

        @asynccontextmanager
        async def open_stack(kind: str) -> AsyncIterator[Stack]:
            join = self.settings.join
            if join is not None and kind == subject_at(join):
                async with _JOINED[kind](join) as joined:
                    yield joined
                return
            directory = self.directory("s")
            async with self.supervisor(_next_directory(evidence, "stack")) as supervisor:
                if self.settings.stack == "docker":
                    async with self._docker_stack(kind, directory, supervisor) as stack:
                        yield stack
                    return
                match kind:
                    case "ratelimiter":
                        opened: AbstractAsyncContextManager[Stack] = ratelimiter_on_processes(
                            directory=directory,
                            supervisor=supervisor,
                            environ=os.environ,
                            code=self.code,
                        )
                    case "tikv":
                        opened = tikv_on_processes(self._tikv(), directory=directory, supervisor=supervisor)
                    case "tikv with Prometheus":
                        opened = tikv_on_processes(
                            self._tikv(), directory=directory, supervisor=supervisor, metrics_by=os.environ
                        )
                    case "tikv at real times":
                        opened = tikv_on_processes(
                            self._tikv(times=1), directory=directory, supervisor=supervisor
                        )
                    case _:
                        raise BrokenBed(f"there is no stack of kind {kind}")
                async with opened as stack:
                    yield stack

        async with shared_stacks(open_stack) as stacks:
            yield FeatureRoom(evidence=evidence, stacks=stacks)


def _next_directory(parent: Path, name: str) -> Path:
    """Make the first of name-1, name-2, … that is not there yet; other workers number theirs here, too."""
    parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        with suppress(FileExistsError):
            directory = parent / f"{name}-{number}"
            directory.mkdir()
            break
    return directory
