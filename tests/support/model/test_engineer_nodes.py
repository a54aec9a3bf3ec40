"""The on-call engineer and the nodes: brought back one by one, by stackctl, and no other touched."""

import shutil
from typing import Any

import pytest

from support.model import on_call_engineer

_STACKCTL = """#!/bin/sh
# Nodes are files that hold their state; `stuck` are those that never start.
cd "$NODES" || exit 3
case $1 in
ps) for node in *; do echo "$node  $(cat "$node")"; done ;;
logs) cat "../logs/$2" 2>/dev/null ;;
start|restart)
  echo "$*" >> ../done
  [ -e "../stuck/$2" ] && { echo "stackctl: cannot $1 $2: Address already in use" >&2; exit 1; }
  echo running > "$2"; echo "$2 ready on http://x" > "../logs/$2"; echo "$2: running" ;;
esac
"""


class Nodes:
    """A stackctl over files."""

    def __init__(self, home: Any, path: str) -> None:
        self._home = home
        for name in ("nodes", "logs", "stuck"):
            (home / name).mkdir()
        for node in ("redis", "ratelimiter-1", "ratelimiter-2"):
            self.set(node, "running")
        (home / "bin" / "stackctl").write_text(_STACKCTL)
        (home / "bin" / "stackctl").chmod(0o755)
        for program in ("cat", "cut"):
            (home / "bin" / program).symlink_to(shutil.which(program) or program)
        self.env = {"PATH": path, "NODES": str(home / "nodes")}

    def set(self, node: str, state: str, *, log: str = "") -> None:
        (self._home / "nodes" / node).write_text(state)
        (self._home / "logs" / node).write_text(log and f"{log}\n")

    def stuck(self, node: str) -> None:
        (self._home / "stuck" / node).touch()

    @property
    def done(self) -> list[str]:
        path = self._home / "done"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def nodes(tmp_path: Any, path_with: Any) -> Nodes:
    return Nodes(tmp_path, path_with())


@pytest.mark.parametrize(
    ("state", "verb"), [("exited", "start"), ("paused", "restart"), ("running", "restart")]
)
def test_a_lost_node_is_brought_back_and_no_other(state: str, verb: str, nodes: Nodes, work: Any) -> None:
    nodes.set("ratelimiter-2", state)
    session = work(on_call_engineer, "Ticket #1: node_down:ratelimiter-2", env=nodes.env)
    assert nodes.done == [f"{verb} ratelimiter-2"]
    assert session.conclusion.startswith("RESOLVED: node ratelimiter-2 was lost and is back")
    assert f"Node ratelimiter-2 is {state}" in session.replies[1].text


def test_a_node_that_does_not_come_back_is_escalated_with_what_was_tried(nodes: Nodes, work: Any) -> None:
    nodes.set("ratelimiter-2", "exited")
    nodes.stuck("ratelimiter-2")
    session = work(on_call_engineer, "Ticket #1: node_down:ratelimiter-2", env=nodes.env)
    assert nodes.done == ["start ratelimiter-2", "restart ratelimiter-2"]
    assert session.conclusion.startswith(
        "ESCALATED: node ratelimiter-2 does not come back. I tried to start and to restart it"
    )
    assert "Address already in use" in session.conclusion


def test_a_lost_redis_is_brought_back(nodes: Nodes, work: Any) -> None:
    nodes.set("redis", "exited")
    session = work(on_call_engineer, "Ticket #1: redis_disconnected", env=nodes.env)
    assert nodes.done == ["start redis"]
    assert session.conclusion.startswith("RESOLVED: node redis was lost and is back")


def test_a_node_that_alone_has_lost_redis_is_restarted(nodes: Nodes, work: Any) -> None:
    nodes.set("ratelimiter-2", "running", log="ready on http://x\nRedis unreachable: refused")
    session = work(on_call_engineer, "Ticket #1: redis_disconnected", env=nodes.env)
    assert nodes.done == ["restart ratelimiter-2"]
    assert session.conclusion.startswith("RESOLVED: ratelimiter-2 had lost its connection to Redis")


def test_a_node_that_no_restart_leads_back_to_redis_is_escalated(nodes: Nodes, work: Any) -> None:
    nodes.set("ratelimiter-2", "running", log="Redis unreachable: refused")
    nodes.stuck("ratelimiter-2")
    session = work(on_call_engineer, "Ticket #1: redis_disconnected", env=nodes.env)
    assert nodes.done == ["restart ratelimiter-2"]
    assert session.conclusion.startswith("ESCALATED: ratelimiter-2 cannot reach Redis")


@pytest.mark.parametrize(
    "log", ["Redis unreachable: x\nRedis is back; registered again", "ready on http://x"]
)
def test_a_redis_that_everybody_reaches_again_is_left_alone(log: str, nodes: Nodes, work: Any) -> None:
    nodes.set("ratelimiter-2", "running", log=log)
    session = work(on_call_engineer, "Ticket #1: redis_disconnected", env=nodes.env)
    assert nodes.done == []
    assert "nothing was changed" in session.conclusion


def test_a_network_between_redis_and_all_nodes_is_escalated_without_a_change(nodes: Nodes, work: Any) -> None:
    for node in ("ratelimiter-1", "ratelimiter-2"):
        nodes.set(node, "running", log="Redis unreachable: refused")
    session = work(on_call_engineer, "Ticket #1: redis_disconnected", env=nodes.env)
    assert nodes.done == []
    assert session.conclusion.startswith("ESCALATED: Redis runs, and yet no node reaches it")


def test_a_machine_without_stackctl_is_escalated(work: Any, path_with: Any) -> None:
    session = work(on_call_engineer, "Ticket #1: node_down:ratelimiter-2", env={"PATH": path_with()})
    assert session.conclusion.startswith(
        "ESCALATED: I could not see what I needed to see: no nodes are listed"
    )
