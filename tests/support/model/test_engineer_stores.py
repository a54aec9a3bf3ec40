"""The on-call engineer and a TiKV cluster: a lost store is found by its address, and it alone is started."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from support.model import on_call_engineer

_STACKCTL = """#!/bin/sh
# Nodes are files that hold their state; `stuck` are those that never start.
cd "$NODES" || exit 3
case $1 in
ps) for node in *; do echo "$node  $(cat "$node")"; done ;;
logs) echo "the last words of $2" ;;
inspect) echo "{\\"name\\": \\"$2\\", \\"command\\": [\\"--advertise-addr=$2:20160\\"]}" ;;
start|restart)
  echo "$*" >> ../done
  [ -e "../stuck/$2" ] && { echo "stackctl: cannot $1 $2: Address already in use" >&2; exit 1; }
  echo running > "$2"; echo "$2: running" ;;
esac
"""


class Cluster(ThreadingHTTPServer):
    """PD's API over the same files: a store is Up when its node runs, and there is a leader when two PDs do.

    `deaf` stores are never Up again, `unknown` ones are not on PD's list.
    """

    def __init__(self, home: Any, path: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.home = home
        self.deaf: set[str] = set()
        self.unknown: set[str] = set()
        for name in ("nodes", "stuck"):
            (home / name).mkdir()
        for node in (f"{kind}{number}" for kind in ("pd", "tikv") for number in range(3)):
            self.set(node, "running")
        (home / "bin" / "stackctl").write_text(_STACKCTL)
        (home / "bin" / "stackctl").chmod(0o755)
        for program in ("cat", "cut"):
            (home / "bin" / program).symlink_to(shutil.which(program) or program)
        self.env = {
            "PATH": path,
            "NODES": str(home / "nodes"),
            "PD_ENDPOINT": f"http://127.0.0.1:{self.server_port}",
        }

    def set(self, node: str, state: str) -> None:
        (self.home / "nodes" / node).write_text(state)

    def state(self, node: str) -> str:
        return (self.home / "nodes" / node).read_text().strip()

    def stuck(self, node: str) -> None:
        (self.home / "stuck" / node).touch()

    @property
    def done(self) -> list[str]:
        path = self.home / "done"
        return path.read_text().splitlines() if path.exists() else []

    def store(self, number: int) -> dict[str, Any]:
        node = f"tikv{number}"
        up = self.state(node) == "running" and node not in self.deaf
        return {
            "store": {
                "id": number + 1,
                "address": f"{node}:20160",
                "state_name": "Up" if up else "Disconnected",
            }
        }

    def answer(self, path: str) -> Any:
        path = path.removeprefix("/pd/api/v1/")
        if path == "stores":
            return {"stores": [self.store(n) for n in range(3) if f"tikv{n}" not in self.unknown]}
        if path.startswith("store/"):
            return self.store(int(path.removeprefix("store/")) - 1)
        if path == "leader" and sum(self.state(f"pd{n}") == "running" for n in range(3)) >= 2:
            return {"name": "pd1"}
        return None


class _Handler(BaseHTTPRequestHandler):
    server: Cluster

    def do_GET(self) -> None:
        answer = self.server.answer(self.path)
        body = json.dumps(answer, indent=2).encode()
        self.send_response(503 if answer is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def cluster(tmp_path: Any, path_with: Any) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path, path_with("bash", "sed", "seq", "sleep"))
    thread = threading.Thread(target=cluster.serve_forever, args=(0.01,))
    thread.start()
    yield cluster
    cluster.shutdown()
    thread.join()
    cluster.server_close()


@pytest.mark.parametrize(
    ("state", "verb"), [("exited", "start"), ("not started", "start"), ("paused", "restart")]
)
def test_the_node_of_a_lost_store_is_brought_back_and_no_other(
    state: str, verb: str, cluster: Cluster, work: Any
) -> None:
    cluster.set("tikv1", state)
    session = work(on_call_engineer, "Ticket 1, store_down:2", env=cluster.env)
    assert session.conclusion.startswith(
        f"RESOLVED: store 2 on node tikv1 was lost ({state}) and is Up again"
    )
    assert cluster.done == [f"{verb} tikv1"]


def test_a_store_that_is_up_by_then_is_left_alone(cluster: Cluster, work: Any) -> None:
    session = work(on_call_engineer, "Ticket 1, store_down:2", env=cluster.env)
    assert session.conclusion.startswith("RESOLVED: store 2 on node tikv1 is Up again; nothing was changed.")
    assert cluster.done == []


def test_a_store_that_does_not_start_is_handed_on_with_what_was_tried(cluster: Cluster, work: Any) -> None:
    cluster.set("tikv0", "exited")
    cluster.stuck("tikv0")
    session = work(on_call_engineer, "Ticket 1, store_down:1", env=cluster.env)
    assert session.conclusion.startswith("ESCALATED: store 1 on node tikv0 does not come back.")
    assert "I tried to start it" in session.conclusion
    assert "Address already in use" in session.conclusion


def test_a_store_that_pd_does_not_list_is_handed_on_untouched(cluster: Cluster, work: Any) -> None:
    cluster.unknown.add("tikv2")
    session = work(on_call_engineer, "Ticket 1, store_down:3", env=cluster.env)
    assert session.conclusion.startswith(
        "ESCALATED: I could not see what I needed to see: PD lists no store 3"
    )
    assert cluster.done == []


def test_a_store_that_starts_and_stays_silent_is_handed_on(
    cluster: Cluster, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.model.engineer_stores._WAIT", 0)
    cluster.set("tikv0", "exited")
    cluster.deaf.add("tikv0")
    session = work(on_call_engineer, "Ticket 1, store_down:1", env=cluster.env)
    assert session.conclusion.startswith("ESCALATED: store 1 on node tikv0 does not come back.")
    assert "the last words of tikv0" in session.conclusion


def test_a_lost_quorum_is_brought_back_by_the_members_that_are_lost(cluster: Cluster, work: Any) -> None:
    cluster.set("pd0", "exited")
    cluster.set("pd2", "paused")
    session = work(on_call_engineer, "Ticket 1, pd_no_leader", env=cluster.env)
    assert session.conclusion.startswith("RESOLVED: PD had lost its majority; pd0 and pd2 were started")
    assert cluster.done == ["start pd0", "restart pd2"]


def test_no_leader_though_all_members_run_is_handed_on(cluster: Cluster, work: Any) -> None:
    session = work(on_call_engineer, "Ticket 1, pd_no_leader", env=cluster.env)
    assert session.conclusion.startswith("ESCALATED: all PD members run, and yet none leads.")
    assert cluster.done == []


def test_members_that_do_not_start_are_handed_on(
    cluster: Cluster, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.model.engineer_stores._WAIT", 0)
    for node in ("pd0", "pd2"):
        cluster.set(node, "exited")
        cluster.stuck(node)
    session = work(on_call_engineer, "Ticket 1, pd_no_leader", env=cluster.env)
    assert session.conclusion.startswith("ESCALATED: PD has no leader. I tried to start pd0 and pd2")
