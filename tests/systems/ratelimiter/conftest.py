"""A real Redis for every test, and rate limiter nodes on it: in this process or as their own."""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis
from starlette.applications import Starlette

from systems.ratelimiter.api import make_app
from systems.ratelimiter.limiter import Limiter
from systems.ratelimiter.members import Membership
from systems.ratelimiter.metrics import CheckMetrics
from systems.ratelimiter.redis_link import RedisLink

# Only a hang takes this long, on however busy a machine.
PATIENCE = 30


def _redis_program() -> str:
    beside = str(Path(sys.executable).parent)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), beside])
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=path):
            return found
    pytest.fail("no redis-server or valkey-server on the PATH or beside the Python interpreter")


class RedisServer:
    """A redis-server of this test's own, on a Unix socket, that may be paused, killed, restarted."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._socket = f"{directory}/redis.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                _redis_program(),
                *("--port", "0", "--unixsocket", self._socket, "--save", "", "--daemonize", "no"),
            ],
            cwd=self._directory,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        seen = []
        for line in self.process.stdout:
            seen.append(line)
            if "eady to accept connections" in line:
                break
        else:
            pytest.fail("redis-server ended before it was ready:\n" + "".join(seen))
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.client = redis.Redis(unix_socket_path=self._socket, decode_responses=True)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="ratelimiter-") as directory:
        server = RedisServer(directory)
        yield server
        server.kill()


@pytest.fixture
async def link(redis_server: RedisServer) -> AsyncIterator[RedisLink]:
    link = RedisLink(redis_server.url)
    yield link
    await link.close()


@pytest.fixture
def limiter(link: RedisLink) -> Limiter:
    return Limiter(link)


@pytest.fixture
async def api(link: RedisLink) -> AsyncIterator[httpx.AsyncClient]:
    """The API of a node in this process; it has no heartbeat."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield

    membership = Membership(link, node_id="here", address="127.0.0.1:1", heartbeat=1, ttl=PATIENCE)
    app = make_app(
        node_id="here",
        link=link,
        limiter=Limiter(link),
        membership=membership,
        metrics=CheckMetrics("here"),
        lifespan=lifespan,
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client


class NodeProcess:
    """A node as a process of its own."""

    def __init__(self, command: list[str]) -> None:
        self.url = ""
        self.ready_line = ""
        self._client = httpx.Client(timeout=PATIENCE, trust_env=False)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._warnings: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read_warnings, daemon=True)
        self._reader.start()

    def _read_warnings(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._warnings.put(line)

    def next_warning(self) -> str:
        """Return the next line on stderr, waiting for it."""
        return self._warnings.get(timeout=PATIENCE)

    def last_warnings(self) -> str:
        """Wait for the end of the process; return what is left of its stderr."""
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        lines = []
        while not self._warnings.empty():
            lines.append(self._warnings.get())
        return "".join(lines)

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        self.ready_line = self.process.stdout.readline().strip()
        if " ready on " not in self.ready_line:
            pytest.fail(f"no ready line but {self.ready_line!r}, then:\n{self.last_warnings()}")
        self.url = self.ready_line.split(" ready on ")[1].split()[0]

    def ask(self, method: str, path: str, **body: object) -> httpx.Response:
        return self._client.request(method, self.url + path, json=body or None)

    def discard(self) -> None:
        self._client.close()
        self.process.kill()
        self.last_warnings()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def leave(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit status and what is left of stderr."""
        self.process.send_signal(number)
        warnings = self.last_warnings()
        return self.process.returncode, warnings


@pytest.fixture
def start_node(redis_server: RedisServer) -> Iterator[Callable[..., NodeProcess]]:
    """Start a node; `wait=False` returns before its ready line."""
    nodes: list[NodeProcess] = []

    def start(node_id: str = "ratelimiter-1", *flags: str, wait: bool = True) -> NodeProcess:
        command = [sys.executable, "-m", "systems.ratelimiter", "--id", node_id, "--port", "0"]
        nodes.append(NodeProcess([*command, "--redis", redis_server.url, *flags]))
        if wait:
            nodes[-1].wait_until_ready()
        return nodes[-1]

    yield start
    for node in nodes:
        node.discard()


@pytest.fixture
def three_nodes(start_node: Callable[..., NodeProcess]) -> list[NodeProcess]:
    nodes = [start_node(f"ratelimiter-{number}", wait=False) for number in (1, 2, 3)]
    for node in nodes:
        node.wait_until_ready()
    return nodes


@pytest.fixture
def eventually() -> Callable[[Callable[[], object], object], None]:
    """Ask a question again and again until it is answered as expected."""

    def wait(question: Callable[[], object], expected: object) -> None:
        deadline = time.monotonic() + PATIENCE
        while (answer := question()) != expected:
            assert time.monotonic() < deadline, f"after {PATIENCE} s still {answer}, not {expected}"
            time.sleep(0.02)

    return wait
