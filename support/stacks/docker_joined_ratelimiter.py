"""A rate limiter of containers that somebody else has started, joined by its compose project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.stacks.docker import Engine
from support.stacks.docker_joined import join
from support.stacks.docker_ratelimiter import RateLimiterOnDocker
from support.stacks.joined import as_found
from support.stacks.ratelimiter import NODE_NAMES
from support.supervisor import Supervisor

_PORTS = {"redis": 6379, **dict.fromkeys(NODE_NAMES, 8001)}


@asynccontextmanager
async def joined_ratelimiter_project(
    engine: Engine, *, directory: Path, supervisor: Supervisor
) -> AsyncIterator[RateLimiterOnDocker]:
    """Use the rate limiter whose containers are those of the engine's project.

    At the end its nodes run and its counters and limits are what they were. Raises BrokenBed, with nothing
    changed, when it is not there as a whole, publishes ports that do not stay, is not in its steady state,
    or has been joined by another run.
    """
    async with join(engine, _PORTS, grace=5, directory=directory, supervisor=supervisor) as joined:
        stack = RateLimiterOnDocker(
            joined.nodes,
            addresses={name: f"http://{joined.published[name]}" for name in NODE_NAMES},
            redis_url=f"redis://{joined.published['redis']}/0",
        )
        stack.on(engine, joined.events, joined.network)
        async with stack, as_found(stack, f"project {engine.project}"):
            await stack.watch()
            yield stack
