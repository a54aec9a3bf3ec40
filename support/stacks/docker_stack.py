"""Opens a stack of containers for a run, whatever its subject."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from support.stacks.docker import LABEL, Engine
from support.stacks.docker_ratelimiter import ratelimiter_on_docker
from support.stacks.docker_tikv import tikv_on_docker
from support.stacks.stack import Stack
from support.supervisor import Guardian, Supervisor
from support.verdict import BrokenBed


@asynccontextmanager
async def docker_stack(
    subject: str, *, guardian: Guardian, directory: Path, supervisor: Supervisor
) -> AsyncIterator[Stack]:
    """Start a stack in containers, which the guardian removes if nobody else does. Raises BrokenBed."""
    engine = Engine.find(os.environ, tag=guardian.tag)
    guardian.register_engine(engine.client, engine.host, LABEL)
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
