"""Starts a TiKV stack of processes: the stand-ins, or real `pd-server` and `tikv-server` binaries."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.stacks.control import serve_stackctl
from support.stacks.process import ProcessNode
from support.stacks.tikv import PD_NAMES, STORE_NAMES, TikvStack
from support.stacks.tikv_links import TikvLinks, by_process
from support.supervisor import CannotStart, Command, Port, Supervisor, reserve_port
from support.verdict import BrokenBed

_HOST = "127.0.0.1"
EVICTION = 30.0
"""Seconds that a real store may need to hand its leaders on before it ends (TiKV v8.5.7: up to 20)."""
SMALL_DISK = 100 * 1024**2
"""So small that no machine has less: a store must not be short of space because its machine is."""
DEFAULT_TIMES = 20.0
"""The stand-ins' times are so many times shorter than the real ones, unless somebody wants others."""


@dataclass(frozen=True, kw_only=True)
class Programs:
    """What a TiKV stack is started from."""

    pd_server: Sequence[str]
    tikv_server: Sequence[str]
    times: float
    substitutes: tuple[str, ...]
    capacity: int | None = None
    """The size of a store's disk in bytes; None is that of the machine."""


def stand_ins(times: float = DEFAULT_TIMES) -> Programs:
    """The stand-ins, `times` faster than the real ones."""
    named = (
        ("stand-in PD", "stand-in TiKV")
        if times == 1
        else ("stand-in PD", "stand-in TiKV", f"times ×{times:g}")
    )
    return Programs(
        pd_server=(sys.executable, "-m", "systems.tikv.pd_server"),
        tikv_server=(sys.executable, "-m", "systems.tikv.tikv_server"),
        times=times,
        substitutes=named,
        capacity=SMALL_DISK,
    )


def native(environ: Mapping[str, str], directory: Path | None) -> Programs:
    """Real binaries from `directory` (a tiup component directory will do) or the PATH.

    Raises BrokenBed, saying where was looked, when one is missing.
    """
    path = environ.get("PATH", os.defpath)
    found: dict[str, str] = {}
    for name in ("pd-server", "tikv-server"):
        below = sorted(directory.rglob(name)) if directory else []
        program = str(below[-1]) if below else shutil.which(name, path=path)
        if program is None:
            where = f"{directory} and the PATH" if directory else "the PATH"
            raise BrokenBed(
                f"no {name} in {where}\n"
                "try: tiup install pd:v8.5.7 tikv:v8.5.7, and -D tikv_bin=~/.tiup/components"
            )
        found[name] = program
    return Programs(
        pd_server=(found["pd-server"],), tikv_server=(found["tikv-server"],), times=1, substitutes=()
    )


@asynccontextmanager
async def tikv_on_processes(
    programs: Programs, *, directory: Path, supervisor: Supervisor
) -> AsyncIterator[TikvStack]:
    """Start three PD members and three stores, with `stackctl` on a socket in `directory`.

    Leaves the processes to the supervisor. Raises BrokenBed when a node cannot be started.
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
                "STANDIN_TIME_SCALE": f"{programs.times:g}",
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
            substitutes=programs.substitutes,
            control=directory / "stackctl.sock",
        )
        async with serve_stackctl(directory / "stackctl.sock", nodes, stack.note), stack:
            try:
                for each in nodes.values():
                    await each.launch()  # side by side: what takes long is their start-up
            except CannotStart as error:
                raise BrokenBed(f"the TiKV stack did not come up: {error}") from error
            yield stack
