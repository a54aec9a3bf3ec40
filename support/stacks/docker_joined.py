"""A rate limiter of containers that somebody else has started, joined by its compose project."""

import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from support.stacks.docker import Engine
from support.stacks.docker_events import PROJECT, SERVICE
from support.stacks.docker_nodes import ContainerNode
from support.stacks.docker_project import Network, following
from support.stacks.docker_ratelimiter import RateLimiterOnDocker
from support.stacks.joined import alone, as_found
from support.stacks.ratelimiter import NODE_NAMES
from support.supervisor import Supervisor
from support.verdict import BrokenBed

_PORTS: Mapping[str, str] = {"redis": "6379/tcp", **dict.fromkeys(NODE_NAMES, "8001/tcp")}


@asynccontextmanager
async def joined_project(
    engine: Engine, *, directory: Path, supervisor: Supervisor
) -> AsyncIterator[RateLimiterOnDocker]:
    """Use the rate limiter whose containers are those of the engine's project.

    At the end its nodes run and its counters and limits are what they were. Raises BrokenBed, with nothing
    changed, when it is not there as a whole, publishes ports that do not stay, is not in its steady state,
    or has been joined by another run.
    """
    found = _containers(engine)
    ports = {name: _port(engine, name, found[name]) for name in _PORTS}
    with _alone(engine):
        async with following(engine, directory=directory, supervisor=supervisor) as (events, logs):
            for name in _PORTS:
                state = found[name]["State"]
                started = _nanoseconds(state["StartedAt"])
                events.known(
                    name,
                    container=found[name]["Id"],
                    state=state["Status"],
                    started=started,
                    health=(state.get("Health") or {}).get("Status", ""),
                )
                await logs.follow(name, started)
            stack = RateLimiterOnDocker(
                {name: ContainerNode(engine, events, name, grace=5, printed=logs.latest) for name in _PORTS},
                addresses={name: f"http://127.0.0.1:{ports[name]}" for name in NODE_NAMES},
                redis_url=f"redis://127.0.0.1:{ports['redis']}/0",
            )
            stack.on(engine, events, _network(found["redis"]))
            async with stack, as_found(stack, f"project {engine.project}"):
                await stack.watch()
                yield stack


def _containers(engine: Engine) -> dict[str, dict[str, Any]]:
    """What the engine knows of each container of the project, by service."""
    ids = engine.ask("ps", "--all", "--quiet", "--filter", f"label={PROJECT}={engine.project}").split()
    inspected = json.loads(engine.ask("inspect", *ids)) if ids else []
    found = {each["Config"]["Labels"][SERVICE]: each for each in inspected}
    missing = [name for name in _PORTS if name not in found]
    if missing:
        raise BrokenBed(
            f"compose project {engine.project} has no container for {', '.join(missing)}\n"
            "try: docker compose ls, and docker compose -f docker/ratelimiter/compose.yaml up --wait"
        )
    return found


def _port(engine: Engine, name: str, inspected: Mapping[str, Any]) -> int:
    bound = (inspected["HostConfig"]["PortBindings"] or {}).get(_PORTS[name]) or [{}]
    port = bound[0].get("HostPort") or "0"
    if port == "0":
        variable = f"{name.upper().replace('-', '_')}_PORT"
        raise BrokenBed(
            f"node {name} of compose project {engine.project} is published at another port after each start\n"
            f"try: start it with {variable}=PORT, for each of its nodes (README, Docker)"
        )
    return int(port)


def _network(inspected: Mapping[str, Any]) -> Network:
    name, settings = next(iter(inspected["NetworkSettings"]["Networks"].items()))
    return Network(name=name, gateway=settings["Gateway"])


def _nanoseconds(written: str) -> int:
    """The engine's RFC 3339 time, of nanoseconds, as nanoseconds since the epoch."""
    seconds, _, fraction = written.rstrip("Z").partition(".")
    whole = int(datetime.fromisoformat(f"{seconds}+00:00").timestamp())
    return whole * 10**9 + int(f"{fraction:0<9}"[:9])


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Keep other runs from joining the project meanwhile."""
    place = Path(tempfile.gettempdir()) / f"operator-acceptance-{os.getuid()}-project-{engine.project}"
    place.mkdir(exist_ok=True)
    with alone(place, f"project {engine.project}"):
        try:
            yield
        finally:
            place.rmdir()
