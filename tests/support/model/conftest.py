"""A rate limiter to talk to, a machine with only some programs, and a way to play a script against both."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from support.model import Conversation, Reply, Result, Tool, ToolCall, Turn

SHELL = Tool("shell", {"properties": {"command": {"type": "string"}}, "required": ["command"]})


class RateLimiter(ThreadingHTTPServer):
    """The API of the contract over a dict. `refill` puts requests back after a reset, `status` breaks it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.counts = {"checkout": 15, "search": 3}
        self.limits = {"checkout": 10, "search": 10}
        self.refill: dict[str, int] = {}
        self.status = 200
        self.received: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def changes(self) -> list[str]:
        return [line for line in self.received if not line.startswith("GET ")]

    def answer(self, method: str, path: str, body: Any) -> Any:
        if (method, path) == ("GET", "/api/counters"):
            return {"counters": [self._counter(key) for key in self.counts]}
        if (method, path) == ("GET", "/api/limits"):
            return {"limits": [{"key": key, "limit": limit} for key, limit in self.limits.items()]}
        if (method, path) == ("GET", "/api/nodes"):
            return {"nodes": [{"id": "ratelimiter-1", "state": "Up"}]}
        key = unquote(path.split("/")[3])
        if method == "PUT":
            self.limits[key] = body["limit"]
            return {"key": key, **body}
        cleared, self.counts[key] = self.counts[key], self.refill.get(key, 0)
        return {"key": key, "cleared": cleared}

    def _counter(self, key: str) -> dict[str, Any]:
        if self.counts[key] < 0:
            return {"key": key, "error": "wrong type: string"}
        return {"key": key, "count": self.counts[key], "limit": self.limits.get(key, 100)}


class _Handler(BaseHTTPRequestHandler):
    server: RateLimiter

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        self.server.received.append(f"{self.command} {self.path} {sent}".strip())
        body = self.server.answer(self.command, self.path, json.loads(sent or "null"))
        out = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_POST = do_PUT = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def ratelimiter() -> Iterator[RateLimiter]:
    with RateLimiter() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def path_with(tmp_path: Path) -> Callable[..., str]:
    """Make a PATH on which only the named programs are; skips where this machine lacks one."""

    def make(*programs: str) -> str:
        directory = tmp_path / "bin"
        directory.mkdir()
        for program in programs:
            # The interpreter running the tests is the one python3 that is certain to work.
            found = os.path.realpath(sys.executable) if program == "python3" else shutil.which(program)
            if found is None:
                pytest.skip(f"{program} is not installed")
            (directory / program).symlink_to(found)
        return str(directory)

    return make


@dataclass
class Session:
    """What a script said and had run on a ticket."""

    replies: list[Reply] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)

    @property
    def commands(self) -> list[str]:
        return [str(command) for reply in self.replies for command in reply.commands]

    @property
    def conclusion(self) -> str:
        return self.replies[-1].text


@pytest.fixture
def work() -> Callable[..., Session]:
    """Play a script to its conclusion, with a real shell and nothing in its environment but `env`."""

    def play(
        script: Callable[[Conversation], Reply], ticket: str, *, env: dict[str, str], shell: str = "/bin/sh"
    ) -> Session:
        session = Session()
        turns: tuple[Turn, ...] = ()
        while True:
            reply = script(Conversation("conversation-1", "m", "", (SHELL,), ticket, turns))
            session.replies.append(reply)
            if not reply.commands:
                return session
            calls, results = [], []
            for command in reply.commands:
                assert isinstance(command, str)
                ran = subprocess.run(
                    [shell, "-c", command], env=env, capture_output=True, text=True, timeout=60, check=False
                )
                session.outputs.append(ran.stdout)
                calls.append(ToolCall("shell", {"command": command}, "toolu_1"))
                text = f"exit status {ran.returncode}\n{ran.stdout}{ran.stderr}"
                results.append(Result(text, ran.returncode != 0))
            turns += (Turn(reply.text, tuple(calls), tuple(results)),)

    return play
