"""What the operator's tests share: its real processes, and small stand-ins for what it talks to."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

REPOSITORY = Path(__file__).parents[3]
PATIENCE = 60.0  # seconds; how long a wait may take on a busy machine before it is a failure
KEY = "dummy-key-0123456789"


class Running:
    """A process under test, with the lines it has printed so far."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, pattern: str, *, after: int = 0, times: int = 1) -> str:
        """The `times`-th line from number `after` on that `pattern` is found in."""
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while True:
                found = [line for line in self.lines[after:] if re.search(pattern, line)]
                if len(found) >= times:
                    return found[times - 1]
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not self._reader.is_alive():
                    state = self.process.poll()
                    raise AssertionError(
                        f"no line matches {pattern!r} (status {state}); printed:\n{self.text}"
                    )
                self._news.wait(min(remaining, 1.0))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end and for the last line; the exit status."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The least environment that an operator process needs."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "OPERATOR_SAFETY_MODE": "execute",
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., Running]]:
    """Start `python -m systems.operator ARGUMENTS`; killed at the end of the test."""
    running: list[Running] = []

    def start(*arguments: str | Path, **more: str) -> Running:
        command = [sys.executable, "-m", "systems.operator", *map(str, arguments)]
        running.append(Running(command, environment | more))
        return running[-1]

    yield start
    for each in running:
        each.process.kill()
        each.process.wait()


class Database:
    """The operator's database as somebody outside sees it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with sqlite3.connect(self.path, timeout=30) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute(query, values)]
        connection.close()
        return rows

    def change(self, statement: str, *values: object) -> int:
        with sqlite3.connect(self.path, timeout=30) as connection:
            number = connection.execute(statement, values).lastrowid
        connection.close()
        return int(number or 0)

    def ticket(self, ticket_id: int) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM tickets WHERE id = ?", ticket_id)
        return row

    def file_ticket(self, key: str, *, first_seen_at: str = "2026-01-01T00:00:00+00:00") -> int:
        """What the suite does to set a scene: a ticket with the not-null columns."""
        invariant, _, identifier = key.partition(":")
        return self.change(
            "INSERT INTO tickets (violation_key, invariant_name, store_id, first_seen_at,"
            " last_seen_at, message) VALUES (?, ?, ?, ?, ?, ?)",
            key,
            invariant,
            identifier or None,
            first_seen_at,
            first_seen_at,
            f"{key} is violated",
        )

    def wait_until(self, query: str, *values: object) -> dict[str, Any]:
        """The first row of `query`, as soon as it has one."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if rows := self.rows(query, *values):
                return rows[0]
            time.sleep(0.02)
        tickets = self.rows("SELECT id, violation_key, status, held, diagnosis FROM tickets")
        raise AssertionError(f"nothing came of {query!r} {values!r}; the tickets: {tickets}")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """The database at a path where there is none yet."""
    return Database(tmp_path / "operator.db")


@pytest.fixture
def start_agent(start: Callable[..., Running], database: Database) -> Callable[..., Running]:
    """Start an agent on the database; it is ready when this returns."""

    def start_agent(**more: str) -> Running:
        agent = start("agent", database.path, **more)
        agent.wait_for("Agent loop starting")
        return agent

    return start_agent


class Handler(BaseHTTPRequestHandler):
    """Answers JSON with what the server's `answer(method, path, body, headers)` returns."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.connection)  # type: ignore[attr-defined]

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        status, body = self.server.answer(self.command, self.path, sent, self.headers)  # type: ignore[attr-defined]
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _serve  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """An HTTP server on a free port of the loopback, in threads of this process."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[..., tuple[int, object]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.connections: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """A client that was killed is no error here."""

    def close(self) -> None:
        """Listen no more, and end what is connected, as the death of a process does."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def says() -> Callable[..., dict[str, Any]]:
    """Makes a reply of the model that only speaks."""
    return _says


@pytest.fixture
def runs() -> Callable[..., dict[str, Any]]:
    """Makes a reply of the model that asks for commands."""
    return _runs


def _says(text: str, *, stop_reason: str = "end_turn") -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "stop_reason": stop_reason}


def _runs(*commands: str, text: str = "I look.", tool: str = "shell") -> dict[str, Any]:
    calls = [
        {
            "type": "tool_use",
            "id": f"toolu_{time.monotonic_ns()}_{number}",
            "name": tool,
            "input": {"command": command, "reasoning": "to see"},
        }
        for number, command in enumerate(commands)
    ]
    return {"content": [{"type": "text", "text": text}, *calls], "stop_reason": "tool_use"}


class Model:
    """A scripted Messages API: `script(turn, request)` returns a reply, or a status and a body."""

    def __init__(self) -> None:
        self.script: Callable[[int, dict[str, Any]], Any] = lambda turn, request: _says(
            "RESOLVED: nothing was to be done."
        )
        self.requests: list[dict[str, Any]] = []
        self._turns: dict[str, int] = {}
        self._server = Server(self._answer)
        self.url = self._server.url

    def replies(self, *replies: Any) -> None:
        """Give these replies in every conversation, one after the other."""
        self.script = lambda turn, request: replies[turn]

    def results(self) -> list[dict[str, Any]]:
        """The tool results that the model has been given, in order."""
        return [
            block
            for request in self.requests
            for block in request["messages"][-1]["content"]
            if isinstance(block, dict) and block.get("type") == "tool_result"
        ]

    def close(self) -> None:
        self._server.close()

    def _answer(self, method: str, path: str, sent: bytes, headers: Any) -> tuple[int, object]:
        request = json.loads(sent)
        self.requests.append(request)
        # The SDK continues a conversation by naming the last message (SDK 2.2 and later).
        turn = self._turns.get((request.get("thread") or {}).get("previous_message_id"), 0)
        reply = self.script(turn, request)
        if isinstance(reply, tuple):
            status, body = reply
            return status, body
        message_id = f"msg_{time.monotonic_ns()}"
        self._turns[message_id] = turn + 1
        usage = {"input_tokens": 10, "output_tokens": 10}
        return 200, {
            "id": message_id,
            "type": "message",
            "role": "assistant",
            "model": request.get("model", "model"),
            "stop_sequence": None,
            "usage": usage,
            **reply,
        }


@pytest.fixture
def model(environment: dict[str, str]) -> Iterator[Model]:
    """A model for the agents of the test; without a script of its own it resolves everything."""
    model = Model()
    environment["ANTHROPIC_BASE_URL"] = model.url
    yield model
    model.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """A real redis-server that can be paused, killed and started again at the same address."""

    def __init__(self, directory: Path) -> None:
        beside = Path(sys.executable).with_name("redis-server")
        program = str(beside) if beside.exists() else shutil.which("redis-server")
        if program is None:
            pytest.skip("no redis-server on this machine")
        self._program = program
        self._directory = directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self._program, "--port", str(self.port), "--save", "", "--dir", str(self._directory)],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert time.monotonic() < deadline, "redis-server did not come up"
            time.sleep(0.01)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis_server(tmp_path: Path, environment: dict[str, str]) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    environment["REDIS_URL"] = server.url
    yield server
    server.kill()


class Ratelimiter:
    """A small fake rate limiter of three nodes that says what the test tells it to say."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.counters: list[dict[str, Any]] = []
        self.redis = "ok"
        self.redis_patience = 0.0  # seconds that a node waits for its Redis before it says so
        self._silent: set[str] = set()
        self._wake = threading.Event()
        self.nodes: dict[str, Server] = {}
        for number in (1, 2, 3):
            self.start(f"ratelimiter-{number}")

    def url(self, node: str = "ratelimiter-1") -> str:
        return self.nodes[node].url

    def start(self, node: str) -> None:
        def answer(method: str, path: str, sent: bytes, headers: Any) -> tuple[int, object]:
            return self._answer(node, path)

        self.nodes[node] = Server(answer)
        self.states[node] = "Up"

    def silence(self, *nodes: str) -> None:
        """Let nodes take requests and never answer, like paused ones."""
        self._silent |= {*nodes}

    def lose(self, node: str, *, listed_as: str = "Up") -> None:
        """Let a node be gone: nobody listens at its address."""
        self.nodes[node].close()
        self.states[node] = listed_as

    def counter(self, key: str, count: int, limit: int = 10, **more: int) -> None:
        entry = {"key": key, "count": count, "limit": limit, "window_ms": 60_000}
        self.counters = [c for c in self.counters if c["key"] != key]
        self.counters.append(entry | {"remaining": max(0, limit - count)} | more)

    def close(self) -> None:
        self._wake.set()
        for server in self.nodes.values():
            server.close()

    def _answer(self, node: str, path: str) -> tuple[int, object]:
        if node in self._silent:
            self._wake.wait(PATIENCE)
        if path == "/health":
            well = self.redis == "ok"
            if not well:
                self._wake.wait(self.redis_patience)
            status = {"status": "ok" if well else "degraded", "node": node, "redis": self.redis}
            return 200 if well else 503, status
        if self.redis != "ok":
            return 503, {"error": "Redis is unreachable"}
        if path == "/api/nodes":
            nodes = [
                {
                    "id": each,
                    "address": self.nodes[each].url.removeprefix("http://"),
                    "state": self.states[each],
                }
                for each in sorted(self.nodes)
                if each in self.states
            ]
            return 200, {"nodes": nodes}
        if path == "/api/counters":
            return 200, {"counters": list(self.counters)}
        return 404, {"error": f"nothing at {path}"}


@pytest.fixture
def ratelimiter(environment: dict[str, str]) -> Iterator[Ratelimiter]:
    fake = Ratelimiter()
    environment["RATELIMITER_URL"] = fake.url()
    yield fake
    fake.close()
