"""The on-call engineer and a drifted counter: nodes that work on another Redis are led back, no others."""

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.model import on_call_engineer

TICKET = "Ticket #1: counter_drift:checkout\nThe API says 15 requests, Redis holds 3."
_STACKCTL = """#!/bin/sh
echo "$1 $2" >> "$DONE"
echo "$2: running"
"""


class _Redis(socketserver.ThreadingTCPServer):
    """Answers the two questions of the engineer, by what is in `held` and `heartbeats`."""

    daemon_threads = True
    held = 3
    heartbeats: tuple[str, ...] = ()


class _Handler(socketserver.StreamRequestHandler):
    server: _Redis

    def handle(self) -> None:
        for line in self.rfile:
            if line.startswith(b"ZCARD"):
                assert line == b'ZCARD "ratelimit:checkout"\r\n'
                self.wfile.write(b":%d\r\n" % self.server.held)
            elif line.startswith(b"SCAN"):
                for node in self.server.heartbeats:
                    self.wfile.write(b"$30\r\nratelimiter:nodes:%s\r\n" % node.encode())
            else:
                self.wfile.write(b"+OK\r\n")
                return


@pytest.fixture
def redis() -> Iterator[_Redis]:
    with _Redis(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def env(ratelimiter: Any, redis: _Redis, path_with: Any, tmp_path: Path) -> dict[str, str]:
    path = path_with("python3", "bash")
    (tmp_path / "bin" / "stackctl").write_text(_STACKCTL)
    (tmp_path / "bin" / "stackctl").chmod(0o755)
    return {
        "PATH": path,
        "DONE": str(tmp_path / "done"),
        "RATELIMITER_URL": ratelimiter.url,
        "REDIS_URL": f"redis://127.0.0.1:{redis.server_address[1]}/0",
    }


def done(env: dict[str, str]) -> list[str]:
    path = Path(env["DONE"])
    return path.read_text().splitlines() if path.exists() else []


def test_a_node_that_works_on_another_redis_is_restarted(
    work: Any, ratelimiter: Any, redis: _Redis, env: dict[str, str]
) -> None:
    session = work(on_call_engineer, TICKET, env=env)
    assert done(env) == ["restart ratelimiter-1"]
    assert "Redis has no heartbeat of ratelimiter-1" in session.replies[1].text
    # Nothing came of it here: it must not claim what it has not seen.
    assert session.conclusion.startswith("ESCALATED: the API and Redis still differ")
    assert ratelimiter.changes == []


def test_counts_that_agree_are_left_alone(work: Any, redis: _Redis, env: dict[str, str]) -> None:
    redis.held, redis.heartbeats = 15, ("ratelimiter-1",)
    session = work(on_call_engineer, TICKET, env=env)
    assert done(env) == []
    assert "nothing was changed" in session.conclusion


def test_a_difference_though_all_nodes_work_on_this_redis_is_escalated(
    work: Any, redis: _Redis, env: dict[str, str]
) -> None:
    redis.heartbeats = ("ratelimiter-1",)
    session = work(on_call_engineer, TICKET, env=env)
    assert done(env) == []
    assert session.conclusion.startswith("ESCALATED: the API and Redis differ")


def test_a_redis_that_does_not_answer_is_escalated(work: Any, env: dict[str, str]) -> None:
    env["REDIS_URL"] = "redis://127.0.0.1:1/0"
    session = work(on_call_engineer, TICKET, env=env)
    assert done(env) == []
    assert session.conclusion.startswith(
        "ESCALATED: I could not see what I needed to see: Redis does not say"
    )
