"""The containers of a compose project that somebody else has started, joined by the project's name."""

import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from support.stacks.docker import Engine
from support.stacks.docker_events import PROJECT, SERVICE, Events
from support.stacks.docker_nodes import ContainerNode
from support.stacks.docker_project import Network, following
from support.stacks.joined import alone
from support.supervisor import Supervisor
from support.verdict import BrokenBed

_ANYWHERE = ("", "0.0.0.0")


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Containers that run already."""

    inspected: Mapping[str, Mapping[str, Any]]
    """What the engine knows of each, by service."""
    published: Mapping[str, str]
    """Where each is reached, as host:port, by service."""
    nodes: Mapping[str, ContainerNode]
    events: Events
    network: Network


@asynccontextmanager
async def join(
    engine: Engine, ports: Mapping[str, int], *, grace: int, directory: Path, supervisor: Supervisor
) -> AsyncIterator[Joined]:
    """Follow the containers of the engine's project, and keep other runs from joining it meanwhile.

    `ports` are the services that must be there, each with the port it must publish; `grace` is how many
    seconds a node has to stop. Raises BrokenBed, with nothing changed, when one of them is missing or
    publishes a port that does not stay, or another run has joined the project.
    """
    found = _containers(engine, ports)
    published = {name: _published(engine, name, port, found[name]) for name, port in ports.items()}
    with _alone(engine):
        async with following(engine, directory=directory, supervisor=supervisor) as (events, logs):
            for name in ports:
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
            yield Joined(
                inspected=found,
                published=published,
                nodes={
                    name: ContainerNode(engine, events, name, grace=grace, printed=logs.latest)
                    for name in ports
                },
                events=events,
                network=_network(next(iter(found.values()))),
            )


def services_of(engine: Engine) -> frozenset[str]:
    """The services of the engine's project that have a container. Raises BrokenBed when none has."""
    shown = '{{.Label "' + SERVICE + '"}}'
    of_project = ("--filter", f"label={PROJECT}={engine.project}")
    services = frozenset(engine.ask("ps", "--all", *of_project, "--format", shown).split())
    if not services:
        raise BrokenBed(
            f"compose project {engine.project} has no containers\n"
            "try: docker compose ls, and docker compose -p NAME -f docker/ratelimiter/compose.yaml up --wait"
        )
    return services


def _containers(engine: Engine, wanted: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """What the engine knows of each container that is wanted, by service."""
    ids = engine.ask("ps", "--all", "--quiet", "--filter", f"label={PROJECT}={engine.project}").split()
    inspected = json.loads(engine.ask("inspect", *ids)) if ids else []
    found = {each["Config"]["Labels"][SERVICE]: each for each in inspected}
    missing = [name for name in wanted if name not in found]
    if missing:
        raise BrokenBed(
            f"compose project {engine.project} has no container for {', '.join(missing)}\n"
            "try: docker compose -p NAME ps --all, and docker compose -p NAME … up --wait"
        )
    return {name: found[name] for name in wanted}


def _published(engine: Engine, name: str, port: int, inspected: Mapping[str, Any]) -> str:
    bound = (inspected["HostConfig"]["PortBindings"] or {}).get(f"{port}/tcp") or [{}]
    at = bound[0].get("HostPort") or "0"
    if at == "0":
        variable = f"{name.upper().replace('-', '_')}_PORT"
        raise BrokenBed(
            f"node {name} of compose project {engine.project} is published at another port after each start\n"
            f"try: start it with {variable}=PORT, for each of its nodes (README, Docker)"
        )
    host = bound[0].get("HostIp", "")
    return f"{'127.0.0.1' if host in _ANYWHERE else host}:{at}"


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
    place = Path(tempfile.gettempdir()) / f"operator-acceptance-{os.getuid()}-project-{engine.project}"
    place.mkdir(exist_ok=True)
    with alone(place, f"project {engine.project}"):
        try:
            yield
        finally:
            place.rmdir()
