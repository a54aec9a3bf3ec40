"""Starts a TiKV stack of processes, from whatever programs it is given."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from support.stacks.control import serve_stackctl
from support.stacks.process import ProcessNode
from support.stacks.prometheus import start_prometheus
from support.stacks.tikv import PD_NAMES, STORE_NAMES, TikvStack
from support.stacks.tikv_links import TikvLinks, by_process
from support.stacks.tikv_programs import Programs
from support.supervisor import CannotStart, Command, Port, Supervisor, reserve_port
from support.verdict import BrokenBed

_HOST = "127.0.0.1"
EVICTION = 30.0
"""Seconds that a real store may need to hand its leaders on before it ends (TiKV v8.5.7: up to 20)."""


@asynccontextmanager
async def tikv_on_processes(
    programs: Programs,
    *,
    directory: Path,
    supervisor: Supervisor,
    metrics_by: Mapping[str, str] | None = None,
) -> AsyncIterator[TikvStack]:
    """Start three PD members and three stores, with `stackctl` on a socket in `directory`.

    `metrics_by` is the environment in which a Prometheus is looked for, None when none is wanted. Leaves
    the nodes to the supervisor. Raises BrokenBed when one cannot be started, NotVerified without Prometheus.
    """
    nodes: dict[str, ProcessNode] = {}

    def pids() -> dict[str, int]:
        return {name: node.process.pid for name, node in nodes.items() if node.state == "running"}

    async with AsyncExitStack() as opened:
        links = TikvLinks(opened, by_process(pids))

        def ports(names: Sequence[str]) -> dict[str, int]:
            return {name: opened.enter_context(reserve_port()).number for name in names}

        async def linked(real: Mapping[str, int]) -> dict[str, int]:
            return {name: await links.open(name, to=port) for name, port in real.items()}

        clients, peers = ports(PD_NAMES), ports(PD_NAMES)
        addresses, statuses = ports(STORE_NAMES), ports(STORE_NAMES)
        clients_linked, peers_linked = await linked(clients), await linked(peers)
        addresses_linked, statuses_linked = await linked(addresses), await linked(statuses)
        cluster = ",".join(f"{name}=http://{_HOST}:{peers_linked[name]}" for name in PD_NAMES)
        endpoints = ",".join(f"{_HOST}:{clients_linked[name]}" for name in PD_NAMES)

        def node(name: str, argv: Sequence[str], *, ready: int) -> ProcessNode:
            home = directory / name
            home.mkdir()
            environment = {
                "PATH": os.defpath,
                "TMPDIR": str(home),
                "PYTHONUNBUFFERED": "1",
                **programs.environment,
            }
            command = Command(
                name=name,
                argv=[*argv, f"--data-dir={home}"],
                cwd=home,
                env=environment,
                ready=Port(ready),
                ready_within=60,
                grace=EVICTION / programs.times + 5,
            )
            return ProcessNode(supervisor, command)

        for name in PD_NAMES:
            flags = [
                f"--name={name}",
                f"--client-urls=http://{_HOST}:{clients[name]}",
                f"--advertise-client-urls=http://{_HOST}:{clients_linked[name]}",
                f"--peer-urls=http://{_HOST}:{peers[name]}",
                f"--advertise-peer-urls=http://{_HOST}:{peers_linked[name]}",
                f"--initial-cluster={cluster}",
            ]
            nodes[name] = node(name, [*programs.pd_server, *flags], ready=clients[name])
        for name in STORE_NAMES:
            flags = [
                f"--addr={_HOST}:{addresses[name]}",
                f"--advertise-addr={_HOST}:{addresses_linked[name]}",
                f"--status-addr={_HOST}:{statuses[name]}",
                f"--advertise-status-addr={_HOST}:{statuses_linked[name]}",
                f"--pd={endpoints}",
                *([f"--capacity={programs.capacity}B"] if programs.capacity else []),
            ]
            nodes[name] = node(name, [*programs.tikv_server, *flags], ready=statuses[name])
        prometheus = None
        if metrics_by is not None:
            prometheus = await opened.enter_async_context(
                start_prometheus(
                    jobs={
                        "pd": [f"{_HOST}:{port}" for port in clients.values()],
                        "tikv": [f"{_HOST}:{port}" for port in statuses.values()],
                    },
                    directory=directory,
                    supervisor=supervisor,
                    environ=metrics_by,
                )
            )
        stack = TikvStack(
            nodes,
            pd_urls={name: f"http://{_HOST}:{clients[name]}" for name in PD_NAMES},
            endpoint=f"http://{_HOST}:{clients_linked[PD_NAMES[0]]}",
            addresses={name: f"{_HOST}:{addresses[name]}" for name in STORE_NAMES},
            advertised={name: f"{_HOST}:{addresses_linked[name]}" for name in STORE_NAMES},
            links=links,
            times=programs.times,
            directory=directory,
            capacity=programs.capacity,
            keeps_data="stand-in TiKV" in programs.substitutes,
            substitutes=programs.substitutes,
            control=directory / "stackctl.sock",
            prometheus=prometheus,
        )
        for_suite = {
            "endpoints": lambda: {
                "subject": "tikv",
                "nodes": list(nodes),
                "pd_urls": stack.pd_urls,
                "endpoint": stack.environment["PD_ENDPOINT"],
                "addresses": stack.addresses,
                "advertised": stack.advertised,
                "times": programs.times,
                "capacity": programs.capacity,
                "keeps_data": stack.keeps_data,
                "substitutes": programs.substitutes,
                "directory": str(directory),
            },
            "changes": lambda: [(change.wall, change.what) for change in stack.changes],
        }
        async with serve_stackctl(directory / "stackctl.sock", nodes, stack.note, for_suite=for_suite), stack:
            try:
                for each in nodes.values():
                    await each.launch()  # side by side: what takes long is their start-up
            except CannotStart as error:
                raise BrokenBed(f"the TiKV stack did not come up: {error}") from error
            yield stack
