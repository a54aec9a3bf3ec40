"""Starts a TiKV stack of containers, three PD members and three stores, from `docker/tikv`."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from support.stacks.docker import Engine
from support.stacks.docker_images import get_images
from support.stacks.docker_nodes import ContainerNode
from support.stacks.docker_project import COMPOSE_FILES, Network, compose_project, private_network
from support.stacks.link import End
from support.stacks.on_docker import OnDocker
from support.stacks.prometheus import start_prometheus
from support.stacks.tikv import PD_NAMES, STORE_NAMES, TikvStack
from support.stacks.tikv_links import OUTSIDE, Source, TikvLinks
from support.stacks.tikv_on_processes import EVICTION
from support.stacks.tikv_programs import SMALL_DISK
from support.supervisor import Supervisor, reserve_port

_FILE = COMPOSE_FILES / "tikv" / "compose.yaml"
_SERVICES = (*PD_NAMES, *STORE_NAMES)
_PORTS: Mapping[str, int] = {"client": 2379, "peer": 2380, "address": 20160, "status": 20180}
_TIMES = 10.0
"""So many times shorter are times by default: an engine that starts containers can keep them from the
processors for longer than a leader's lease at the times of processes."""
_BALLAST = "/data/ballast"


class TikvOnDocker(OnDocker, TikvStack):
    """A TiKV stack whose nodes are containers."""

    async def fill_disk(self, store: str, size: int) -> None:
        await self.container(store).run("truncate", "--size", str(size), _BALLAST)

    async def disk_filled(self, store: str) -> bool:
        there = ("exec", self.container(store).container, "find", "/data", "-name", "ballast")
        return bool(self.engine.ask(*there))

    async def free_disk(self, store: str) -> None:
        await self.container(store).run("rm", "-f", _BALLAST)


@asynccontextmanager
async def tikv_on_docker(
    engine: Engine,
    *,
    project: str,
    directory: Path,
    supervisor: Supervisor,
    times: float = _TIMES,
    metrics_by: Mapping[str, str] | None = None,
) -> AsyncIterator[TikvStack]:
    """Start three PD members and three stores in containers; all is gone when the block is left.

    `times` says how many times shorter than the real ones the times of stand-ins are. `metrics_by` is the
    environment in which a Prometheus is looked for, None when none is wanted; it runs on this machine.
    Raises BrokenBed when that cannot be done, NotVerified without Prometheus.
    """
    substitutes = await get_images(engine.of(project, files=[_FILE], variables={}), _SERVICES)
    if not substitutes:
        times = 1.0
    nodes: dict[str, ContainerNode] = {}
    async with AsyncExitStack() as opened:
        network = await opened.enter_async_context(private_network(engine, project))
        host = network.gateway
        links = TikvLinks(opened, _by_address(engine, network, nodes), host=host)
        real: dict[str, dict[str, int]] = {}
        linked: dict[str, dict[str, str]] = {}
        for name in _SERVICES:
            kinds = ("client", "peer") if name in PD_NAMES else ("address", "status")
            real[name] = {kind: opened.enter_context(reserve_port()).number for kind in kinds}
            linked[name] = {
                kind: f"{host}:{await links.open(name, to=at)}" for kind, at in real[name].items()
            }
        project_engine = engine.of(
            project,
            files=[_FILE],
            variables={
                **_variables(real, linked),
                "BIND_ADDRESS": "127.0.0.1",
                "STANDIN_TIME_SCALE": f"{times:g}",
                "TIKV_CAPACITY": f"{SMALL_DISK}B" if substitutes else "0",
            },
        )
        containers = await opened.enter_async_context(
            compose_project(
                project_engine,
                network,
                services=_SERVICES,
                volumes=[f"{name}-data" for name in _SERVICES],
                directory=directory,
                supervisor=supervisor,
                grace=int(EVICTION / times) + 5,
                ports={
                    name: {_PORTS[kind]: at for kind, at in kinds.items() if kind in ("peer", "status")}
                    for name, kinds in real.items()
                },
            )
        )
        nodes |= containers.nodes
        prometheus = None
        if metrics_by is not None:
            prometheus = await opened.enter_async_context(
                start_prometheus(
                    jobs={
                        "pd": [f"127.0.0.1:{real[name]['client']}" for name in PD_NAMES],
                        "tikv": [f"127.0.0.1:{real[name]['status']}" for name in STORE_NAMES],
                    },
                    directory=directory,
                    supervisor=supervisor,
                    environ=metrics_by,
                    host=host,  # operators in containers reach it there, too
                )
            )
        stack = TikvOnDocker(
            nodes,
            pd_urls={name: f"http://127.0.0.1:{real[name]['client']}" for name in PD_NAMES},
            endpoint=f"http://{linked[PD_NAMES[0]]['client']}",
            addresses={name: f"127.0.0.1:{real[name]['address']}" for name in STORE_NAMES},
            advertised={name: linked[name]["address"] for name in STORE_NAMES},
            links=links,
            times=times,
            directory=directory,
            capacity=SMALL_DISK if substitutes else None,
            substitutes=(*substitutes, f"times ×{times:g}") if substitutes else (),
            keeps_data=bool(substitutes),
            prometheus=prometheus,
        )
        stack.on(project_engine, containers.events, network)
        async with stack:
            yield stack


def _variables(
    real: Mapping[str, Mapping[str, int]], linked: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """What the compose file leaves open: where the nodes are reached, and under what addresses."""
    variables = {"PD_ENDPOINTS": ",".join(linked[name]["client"] for name in PD_NAMES)}
    for name in PD_NAMES:
        variables[f"{name.upper()}_PORT"] = str(real[name]["client"])
        variables[f"{name.upper()}_CLIENT_URL"] = f"http://{linked[name]['client']}"
        variables[f"{name.upper()}_PEER_URL"] = f"http://{linked[name]['peer']}"
    for name in STORE_NAMES:
        variables[f"{name.upper()}_PORT"] = str(real[name]["address"])
        variables[f"{name.upper()}_ADDRESS"] = linked[name]["address"]
        variables[f"{name.upper()}_STATUS"] = linked[name]["status"]
    return variables


def _by_address(engine: Engine, network: Network, nodes: Mapping[str, ContainerNode]) -> Source:
    """Tell from which node a connection comes by its address on the network."""
    known: dict[str, str] = {}
    asked_of: list[str] = []

    def source(end: End, link: End) -> str:
        del link  # all of them have one address
        starts = [node.incarnation for node in nodes.values()]
        if starts != asked_of:
            asked_of[:] = starts
            known.clear()
            there = json.loads(engine.ask("network", "inspect", network.name))[0]["Containers"]
            for name, node in nodes.items():
                if node.container in there:
                    known[there[node.container]["IPv4Address"].partition("/")[0]] = name
        return known.get(end[0], OUTSIDE)

    return source
