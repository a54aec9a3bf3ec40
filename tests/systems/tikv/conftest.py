"""Clusters of stand-ins as processes, on loopback addresses of their own, with links that can be cut."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.stacks.sockets import holds, inode_of

# Only a hang takes this long, on however busy a machine.
PATIENCE = 30


Address = tuple[str, int]


class Links:
    """Proxies in front of nodes' addresses; knows by its process which node a connection comes from."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._pids: dict[str, int] = {}
        self._cut: set[frozenset[str]] = set()
        self._open: dict[asyncio.Task[None], str] = {}

    def __enter__(self) -> "Links":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def belongs(self, name: str, pid: int) -> None:
        self._pids[name] = pid

    def add(self, name: str, advertised: Address, real: Address) -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            cut_off = {other for pair in self._cut if name in pair for other in pair - {name}}
            ends = (writer.get_extra_info("peername"), writer.get_extra_info("sockname"))
            source = self._source(*ends) if cut_off else None  # it takes time, and matters only then
            if task and source not in cut_off:
                self._open[task] = name
                with contextlib.suppress(OSError, asyncio.CancelledError):
                    await self._pass(reader, writer, real)
                del self._open[task]
            writer.transport.abort()

        self._do(asyncio.start_server(accept, *advertised))

    def cut(self, name: str, *others: str) -> None:
        """Cut the links between one node and others; whoever is not cut off connects again."""
        self._cut |= {frozenset({name, other}) for other in others}
        for task, target in list(self._open.items()):
            if target in (name, *others):
                self._loop.call_soon_threadsafe(task.cancel)

    def mend(self) -> None:
        self._cut.clear()

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _end(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _source(self, end: Address, link: Address) -> str:
        inode = inode_of(end, link)
        for name, pid in self._pids.items():
            if inode is not None and holds(pid, inode):
                return name
        return "somebody else"

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, real: Address) -> None:
        there, back = await asyncio.open_connection(*real)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_copy(reader, back))
                tasks.create_task(_copy(there, writer))
        except* (OSError, EOFError):
            pass
        finally:
            back.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    # One half gone ends both: nodes never close only one.
    raise EOFError


class Node:
    """A stand-in as a process of its own, that may be killed, paused, told to leave and restarted."""

    def __init__(
        self, name: str, module: str, flags: list[str], url: str, directory: Path, scale: float
    ) -> None:
        self.name = name
        self.url = url
        self.flags = flags
        self.log = directory / f"{name}.log"
        self._module = f"systems.tikv.{module}"
        self._environ = {**os.environ, "STANDIN_TIME_SCALE": str(scale)}
        self.paused = False

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", self._module, *self.flags]
            self.process = subprocess.Popen(command, env=self._environ, stdout=log, stderr=subprocess.STDOUT)

    def running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.paused = False

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.paused = False

    def leave(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)


class Cluster:
    """Members `pd0`… and stores `tikv0`…; `client` asks any of them."""

    def __init__(
        self, directory: Path, *, scale: float, members: int, stores: int, links: Links | None
    ) -> None:
        self.scale = scale
        self.directory = directory
        self.client = httpx.Client(timeout=PATIENCE, trust_env=False)
        self.links = links
        self.nodes: dict[str, Node] = {}
        net = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}"
        names = [f"pd{number}" for number in range(members)]
        hosts = {name: f"{net}.{10 + number}" for number, name in enumerate(names)}
        hosts |= {f"tikv{number}": f"{net}.{20 + number}" for number in range(stores)}
        advertised = dict(hosts)
        if links:
            advertised = {name: f"{net}.{int(host.rsplit('.', 1)[1]) + 100}" for name, host in hosts.items()}
            for name, host in hosts.items():
                for port in (2379, 2380) if name in names else (20160, 20180):
                    links.add(name, (advertised[name], port), (host, port))
        initial = ",".join(f"{name}=http://{advertised[name]}:2380" for name in names)
        for name in names:
            flags = [
                f"--name={name}",
                f"--data-dir={directory / name}",
                f"--client-urls=http://{hosts[name]}:2379",
                f"--advertise-client-urls=http://{advertised[name]}:2379",
                f"--peer-urls=http://{hosts[name]}:2380",
                f"--advertise-peer-urls=http://{advertised[name]}:2380",
                f"--initial-cluster={initial}",
            ]
            url = f"http://{hosts[name]}:2379"
            self.nodes[name] = Node(name, "pd_server", flags, url, directory, scale)
        for name in hosts.keys() - set(names):
            flags = [
                f"--addr={hosts[name]}:20160",
                f"--advertise-addr={advertised[name]}:20160",
                f"--status-addr={hosts[name]}:20180",
                f"--advertise-status-addr={advertised[name]}:20180",
                f"--data-dir={directory / name}",
                f"--pd={','.join(f'{advertised[each]}:2379' for each in names)}",
                "--capacity=1GB",
            ]
            url = f"http://{hosts[name]}:20160"
            self.nodes[name] = Node(name, "tikv_server", flags, url, directory, scale)
        self.members = [self.nodes[name] for name in names]
        self.stores = [self.nodes[f"tikv{number}"] for number in range(stores)]

    def start(self) -> None:
        for node in self.nodes.values():
            node.start()
            if self.links:
                self.links.belongs(node.name, node.process.pid)

    def restart(self, node: Node) -> None:
        node.start()
        if self.links:
            self.links.belongs(node.name, node.process.pid)

    def get(self, node: Node, path: str, **options: Any) -> httpx.Response:
        return self.client.get(f"{node.url}/pd/api/v1{path}", **options)

    def leader(self, *, among: list[Node] | None = None) -> Node | None:
        """The member that leads, as any of `among` says; None when none does."""
        for node in among or self.members:
            if node.running() and not node.paused:
                with contextlib.suppress(httpx.TransportError):
                    # What a follower asks of a leader that is paused is never answered.
                    answer = self.get(node, "/leader", timeout=1)
                    if answer.status_code == 200:
                        return self.nodes[answer.json()["name"]]
        return None

    def described(self, *, at: Node | None = None) -> dict[str, Any]:
        """What PD says of the stores, by the names of their nodes; empty when it says nothing."""
        for node in [at] if at else self.members:
            if node.running() and not node.paused:
                with contextlib.suppress(httpx.TransportError):
                    answer = self.get(node, "/stores", timeout=1)
                    if answer.status_code == 200:
                        return {self.name_of(each): each for each in answer.json()["stores"]}
        return {}

    def name_of(self, described: dict[str, Any]) -> str:
        last = int(described["store"]["address"].split(":")[0].rsplit(".", 1)[1])
        return f"tikv{last % 100 - 20}"

    def states(self, *, at: Node | None = None) -> dict[str, str]:
        return {name: each["store"]["state_name"] for name, each in self.described(at=at).items()}

    def leader_counts(self) -> dict[str, int]:
        return {name: each["status"]["leader_count"] for name, each in self.described().items()}

    def put(self, node: Node, key: str, value: str) -> int:
        """The status of the answer, 0 when there is none."""
        try:
            return self.client.put(f"{node.url}/kv/{key}", content=value.encode()).status_code
        except httpx.TransportError:
            return 0

    def read(self, node: Node, key: str) -> tuple[int, str]:
        """The status and the text of the answer, 0 when there is none."""
        try:
            answer = self.client.get(f"{node.url}/kv/{key}")
        except httpx.TransportError as error:
            return 0, str(error)
        return answer.status_code, answer.text

    def logs(self) -> str:
        return "\n".join(
            f"--- {node.name}\n" + "\n".join(node.log.read_text(errors="replace").splitlines()[-15:])
            for node in self.nodes.values()
            if node.log.exists()
        )

    def until(self, question: Callable[[], object], expected: object) -> None:
        """Ask again and again until the answer is as expected."""
        deadline = time.monotonic() + PATIENCE
        while (answer := question()) != expected:
            if time.monotonic() > deadline:
                pytest.fail(f"after {PATIENCE} s still {answer!r}, not {expected!r}\n{self.logs()}")
            time.sleep(0.02)

    def until_all_members_answer(self) -> None:
        self.until(lambda: all(self.leader(among=[node]) for node in self.members if node.running()), True)

    def until_steady(self) -> None:
        self.until_all_members_answer()
        names = {node.name for node in self.stores}
        self.until(self.states, dict.fromkeys(names, "Up"))
        if len(names) == 3:
            self.until(self.leader_counts, dict.fromkeys(names, 1))

    def discard(self) -> None:
        self.client.close()
        for node in self.nodes.values():
            if hasattr(node, "process"):
                node.kill()


@pytest.fixture
def make_cluster() -> Iterator[Callable[..., Cluster]]:
    """Make a cluster; it is not started yet."""
    with tempfile.TemporaryDirectory(prefix="tikv-") as directory, contextlib.ExitStack() as stack:

        def make(*, scale: float = 20, members: int = 3, stores: int = 3, cuttable: bool = False) -> Cluster:
            links = stack.enter_context(Links()) if cuttable else None
            cluster = Cluster(Path(directory), scale=scale, members=members, stores=stores, links=links)
            stack.callback(cluster.discard)
            return cluster

        yield make


@pytest.fixture
def cluster(make_cluster: Callable[..., Cluster]) -> Cluster:
    """Three members and three stores, all Up."""
    cluster = make_cluster()
    cluster.start()
    cluster.until_steady()
    return cluster


@pytest.fixture(scope="module")
def steady() -> Iterator[Cluster]:
    """A cluster that a module only looks at."""
    with tempfile.TemporaryDirectory(prefix="tikv-") as directory:
        cluster = Cluster(Path(directory), scale=20, members=3, stores=3, links=None)
        try:
            cluster.start()
            cluster.until_steady()
            yield cluster
        finally:
            cluster.discard()
