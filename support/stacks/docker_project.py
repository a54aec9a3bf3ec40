"""Starts a compose project for one stack and takes all of it down again.

async with private_network(engine, project) as network:
    ...  # links at `network.gateway`, which containers and this machine reach alike
    async with compose_project(engine, network, services, ...) as containers:
        await containers.nodes["redis"].kill()
"""

import json
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import anyio

from support.stacks.docker import LABEL, Engine
from support.stacks.docker_events import Events
from support.stacks.docker_nodes import ContainerNode
from support.supervisor import CannotStart, Command, Process, Supervisor
from support.verdict import BrokenBed

COMPOSE_FILES = Path(__file__).parents[2] / "docker"

_UP_WITHIN = 90
_DOWN_WITHIN = 60.0
_TOLD_WITHIN = 10.0
_LAST_WORDS = 5


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network of one stack alone; `gateway` is this machine's address on it."""

    name: str
    gateway: str


@dataclass(frozen=True, kw_only=True)
class Containers:
    """The containers of a project that is up."""

    nodes: Mapping[str, ContainerNode]
    events: Events


class Logs:
    """Follows what containers print, into one spool for each start of each."""

    def __init__(self, engine: Engine, events: Events, supervisor: Supervisor, directory: Path) -> None:
        self._engine = engine
        self._events = events
        self._supervisor = supervisor
        self._directory = directory
        self._latest: dict[str, Process] = {}

    def latest(self, name: str) -> Process | None:
        """What follows the log of a node since its latest start."""
        return self._latest.get(name)

    async def follow(self, name: str, since: int) -> None:
        """Follow what a container has printed since this time, in nanoseconds since the epoch."""
        command = Command(
            name=name,
            argv=[
                *(self._engine.client, "logs", "--follow"),
                *("--since", f"{since // 10**9}.{since % 10**9:09}", self._events.of(name).container),
            ],
            cwd=self._directory,
            env=self._engine.environment,
        )
        try:
            self._latest[name] = await self._supervisor.spawn(command)
        except (CannotStart, RuntimeError):
            return  # the stack is being taken down


@asynccontextmanager
async def private_network(engine: Engine, project: str) -> AsyncIterator[Network]:
    """Make a network for a project, and remove it at the end. Raises BrokenBed."""
    labels = {LABEL: engine.tag}
    await engine.call(
        "create a network", lambda docker: docker.network.create(project, labels=labels), within=30
    )
    try:
        settings = json.loads(engine.ask("network", "inspect", project))[0]["IPAM"]["Config"][0]
        yield Network(name=project, gateway=settings["Gateway"])
    finally:
        with anyio.CancelScope(shield=True):
            await _quietly(
                engine.call("remove a network", lambda docker: docker.network.remove(project), within=30)
            )


@asynccontextmanager
async def compose_project(
    engine: Engine,
    network: Network,
    *,
    services: Sequence[str],
    volumes: Sequence[str],
    directory: Path,
    supervisor: Supervisor,
    grace: int = 5,
    ports: Mapping[str, Mapping[int, int]] = MappingProxyType({}),
) -> AsyncIterator[Containers]:
    """Start services of a project on a network of its own, and return when their health checks are green.

    What they print goes to the supervisor's spools. Everything carries the run's label.
    `grace` is how many seconds a node has to stop; `ports` says which more ports of which service are
    published where. Raises BrokenBed.
    """
    added = _added(engine, network, services=services, volumes=volumes, ports=ports)
    override = directory / "added.json"
    override.write_text(json.dumps(added, indent=2), encoding="utf-8")
    engine = engine.of(network.name, files=(*engine.files, override), variables=engine.variables or {})
    async with following(engine, directory=directory, supervisor=supervisor) as (events, logs):
        nodes = {
            name: ContainerNode(engine, events, name, grace=grace, printed=logs.latest) for name in services
        }
        try:
            await _up(engine, events, logs, services)
            yield Containers(nodes=nodes, events=events)
        finally:
            events.stopping = True
            with anyio.CancelScope(shield=True):
                await _quietly(
                    engine.call(
                        "remove the containers",
                        lambda docker: docker.compose.down(volumes=True, timeout=0, quiet=True),
                        within=_DOWN_WITHIN,
                    )
                )


@asynccontextmanager
async def following(
    engine: Engine, *, directory: Path, supervisor: Supervisor
) -> AsyncIterator[tuple[Events, Logs]]:
    """Follow the events of the engine's project, and what its containers print."""
    tasks = anyio.create_task_group()

    def started(name: str, since: int) -> None:
        tasks.start_soon(logs.follow, name, since)

    events = Events(engine, started=started)
    logs = Logs(engine, events, supervisor, directory)
    await tasks.__aenter__()
    try:
        tasks.start_soon(events.run, await events.listen(supervisor, directory))
        yield events, logs
    finally:
        events.stopping = True
        tasks.cancel_scope.cancel()
        await tasks.__aexit__(None, None, None)


def _added(
    engine: Engine,
    network: Network,
    *,
    services: Sequence[str],
    volumes: Sequence[str],
    ports: Mapping[str, Mapping[int, int]],
) -> Mapping[str, object]:
    """What is added to the compose files: the run's label on everything, the network, and ports."""
    labels = {"labels": {LABEL: engine.tag}}
    return {
        "services": {
            name: {
                **labels,
                "ports": [f"127.0.0.1:{at}:{port}" for port, at in ports.get(name, {}).items()],
            }
            for name in services
        },
        "networks": {"default": {"name": network.name, "external": True}},
        "volumes": dict.fromkeys(volumes, labels),
    }


async def _up(engine: Engine, events: Events, logs: Logs, services: Sequence[str]) -> None:
    try:
        with ExitStack() as own:
            for name in services:
                own.enter_context(events.own(name))
            await engine.call(
                "start the containers",
                lambda docker: docker.compose.up(
                    list(services),
                    detach=True,
                    wait=True,
                    wait_timeout=_UP_WITHIN,
                    pull="never",
                    no_build=True,
                    quiet=True,
                ),
                within=_UP_WITHIN + 30,
            )
        for name in services:
            await events.until_healthy(name, within=_TOLD_WITHIN)
    except BrokenBed as error:
        raise BrokenBed(f"the stack did not come up: {error}{_last_words(events, logs, services)}") from error


def _last_words(events: Events, logs: Logs, services: Sequence[str]) -> str:
    """What the nodes that are not healthy printed last."""
    told = []
    for name in services:
        seen, printed = events.of(name), logs.latest(name)
        if seen.health != "healthy":
            lines = printed.output.tail(_LAST_WORDS) if printed else []
            told.append(
                f"\n{name} is {seen.state}, {seen.health or 'without a health check yet'}; it printed last:"
            )
            told += [f"\n  {line}" for line in lines or ("nothing",)]
    return "".join(told)


async def _quietly(removal: Awaitable[object]) -> None:
    """Remove something at the end; what the engine will not remove, the guardian does, or says so."""
    with suppress(BrokenBed):
        await removal
