"""Opens a stack of containers for a run, whatever its subject."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from support.stacks.docker import LABEL, Engine
from support.stacks.docker_joined import services_of
from support.stacks.docker_joined_ratelimiter import joined_ratelimiter_project
from support.stacks.docker_joined_tikv import joined_tikv_project
from support.stacks.docker_ratelimiter import ratelimiter_on_docker
from support.stacks.docker_tikv import tikv_on_docker
from support.stacks.stack import Stack
from support.supervisor import Guardian, Supervisor
from support.verdict import BrokenBed

_KNOWN_BY = {"redis": "ratelimiter", "pd0": "tikv"}
"""A service by which a compose project shows what its subject is."""


@asynccontextmanager
async def docker_stack(
    kind: str, *, joined: str | None, guardian: Guardian, directory: Path, supervisor: Supervisor
) -> AsyncIterator[Stack]:
    """Start a stack in containers, which the guardian removes if nobody else does.

    `kind` is a subject, or a subject and what is special about the stack. `joined` is the compose project of
    one that runs already, to be used in place of new ones of its subject. Raises BrokenBed, and NotVerified
    for a stack that needs what this machine does not have.
    """
    engine = Engine.find(os.environ, tag=guardian.tag)
    guardian.register_engine(engine.client, engine.host, LABEL)
    if joined is not None:
        project_of = engine.of(joined, files=[], variables={})
        if kind == _subject_of(project_of):
            joining: AbstractAsyncContextManager[Stack] = (
                joined_tikv_project(project_of, directory=directory, supervisor=supervisor)
                if kind == "tikv"
                else joined_ratelimiter_project(project_of, directory=directory, supervisor=supervisor)
            )
            async with joining as stack:
                yield stack
            return
    project = f"acceptance-{guardian.tag}-{directory.name}"
    match kind:
        case "ratelimiter":
            opened: AbstractAsyncContextManager[Stack] = ratelimiter_on_docker(
                engine, project=project, directory=directory, supervisor=supervisor
            )
        case "tikv":
            opened = tikv_on_docker(engine, project=project, directory=directory, supervisor=supervisor)
        case "tikv with Prometheus":
            opened = tikv_on_docker(
                engine, project=project, directory=directory, supervisor=supervisor, metrics_by=os.environ
            )
        case "tikv at real times":
            opened = tikv_on_docker(
                engine, project=project, directory=directory, supervisor=supervisor, times=1
            )
        case _:
            raise BrokenBed(f"there is no docker stack of kind {kind}")
    async with opened as stack:
        yield stack


def _subject_of(engine: Engine) -> str:
    """The subject of the engine's project. Raises BrokenBed when it has no containers, or is of none."""
    services = services_of(engine)
    for service, subject in _KNOWN_BY.items():
        if service in services:
            return subject
    raise BrokenBed(
        f"compose project {engine.project} has no service {' or '.join(_KNOWN_BY)}, only "
        f"{', '.join(sorted(services))}"
    )
