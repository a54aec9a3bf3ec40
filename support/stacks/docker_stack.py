"""Opens a stack of containers for a run, whatever its subject."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from support.stacks.docker import LABEL, Engine
from support.stacks.docker_joined import joined_project
from support.stacks.docker_ratelimiter import ratelimiter_on_docker
from support.stacks.docker_tikv import tikv_on_docker
from support.stacks.stack import Stack
from support.supervisor import Guardian, Supervisor
from support.verdict import BrokenBed, NotVerified


@asynccontextmanager
async def docker_stack(
    subject: str, *, joined: str | None, guardian: Guardian, directory: Path, supervisor: Supervisor
) -> AsyncIterator[Stack]:
    """Start a stack in containers, which the guardian removes if nobody else does.

    `joined` is the compose project of one that runs already, to be used in its place. Raises BrokenBed, and
    NotVerified for a subject whose projects cannot be joined.
    """
    engine = Engine.find(os.environ, tag=guardian.tag)
    guardian.register_engine(engine.client, engine.host, LABEL)
    if joined is not None:
        if subject != "ratelimiter":
            raise NotVerified(f"a project of subject {subject} cannot be joined; run without -D project")
        async with joined_project(
            engine.of(joined, files=[], variables={}), directory=directory, supervisor=supervisor
        ) as stack:
            yield stack
        return
    project = f"acceptance-{guardian.tag}-{directory.name}"
    match subject:
        case "ratelimiter":
            opened: AbstractAsyncContextManager[Stack] = ratelimiter_on_docker(
                engine, project=project, directory=directory, supervisor=supervisor
            )
        case "tikv":
            opened = tikv_on_docker(engine, project=project, directory=directory, supervisor=supervisor)
        case _:
            raise BrokenBed(f"there is no docker stack for subject {subject}")
    async with opened as stack:
        yield stack
