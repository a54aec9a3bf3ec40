"""Nodes as processes: starting, leaving, and holding a limit together whatever happens."""

import concurrent.futures
import re
import signal
import socket
import subprocess
import sys

import pytest

from systems.ratelimiter.__main__ import _listen
from systems.ratelimiter.settings import read_settings

LONG = 600_000
"""A window in ms that no test outlives."""


def states(node) -> dict[str, str]:
    nodes = node.ask("GET", "/api/nodes").json().get("nodes", [])
    return {each["id"]: each["state"] for each in nodes}


def last_heartbeat(node) -> str:
    [found] = node.ask("GET", "/api/nodes").json()["nodes"]
    return found["last_heartbeat"]


def allowed_by_all(nodes, requests: int, **body: object) -> int:
    """Send as many checks at once as fit; return how many were allowed."""

    def check(number: int) -> int:
        return nodes[number % len(nodes)].ask("POST", "/check", **body).status_code

    with concurrent.futures.ThreadPoolExecutor(24) as threads:
        statuses = list(threads.map(check, range(requests)))
    assert set(statuses) <= {200, 429}
    return statuses.count(200)


def test_three_nodes_together_allow_exactly_the_limit(three_nodes):
    assert allowed_by_all(three_nodes, 240, key="k", limit=50, window_ms=LONG) == 50


def test_the_limit_holds_while_a_node_is_killed(three_nodes):
    assert allowed_by_all(three_nodes, 60, key="k", limit=50, window_ms=LONG) == 50
    three_nodes[0].process.kill()
    assert allowed_by_all(three_nodes[1:], 60, key="k", limit=50, window_ms=LONG) == 0


def test_a_reset_by_one_node_is_seen_by_the_others(three_nodes):
    first, second, third = three_nodes
    assert first.ask("POST", "/check", key="k", limit=1, window_ms=LONG).status_code == 200
    assert second.ask("POST", "/check", key="k", limit=1, window_ms=LONG).status_code == 429
    third.ask("POST", "/api/counters/k/reset")
    assert second.ask("POST", "/check", key="k", limit=1, window_ms=LONG).status_code == 200


def test_a_node_is_registered_and_answers_when_its_ready_line_is_out(start_node, redis_server):
    node = start_node("ratelimiter-7")
    assert re.fullmatch(r"ratelimiter-7 ready on http://127\.0\.0\.1:\d+", node.ready_line)
    address = redis_server.client.hget("ratelimiter:nodes:ratelimiter-7", "address")
    assert node.url == f"http://{address}"
    assert node.ask("GET", "/health").json()["status"] == "ok"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_told_to_leave_is_down_but_not_forgotten(start_node, number):
    staying, leaving = start_node("staying"), start_node("leaving", "--node-ttl", "600")
    assert leaving.leave(number) == (0, "")
    # Its registration would have lived for ten minutes: that it is Down is its own doing.
    assert states(staying) == {"leaving": "Down", "staying": "Up"}


def test_a_node_told_to_leave_before_it_is_ready_leaves_in_order(start_node):
    node = start_node(wait=False)
    # Either it had not yet begun to run Python, or it leaves in order.
    assert node.leave() in {(0, ""), (-signal.SIGTERM, "")}


def test_a_node_leaves_although_a_client_keeps_its_connection(start_node):
    node = start_node()
    host, port = node.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as half_a_request:
        half_a_request.sendall(b"POST /check HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        assert node.ask("GET", "/health").status_code == 200
        assert node.leave()[0] == 0


def test_a_node_leaves_although_redis_is_paused(start_node, redis_server):
    node = start_node()
    redis_server.pause()
    assert node.leave()[0] == 0


def test_a_killed_node_is_seen_as_down(three_nodes, eventually):
    three_nodes[1].process.kill()
    expected = {"ratelimiter-1": "Up", "ratelimiter-2": "Down", "ratelimiter-3": "Up"}
    eventually(lambda: states(three_nodes[0]), expected)


def test_a_paused_node_is_seen_as_down_and_up_again_when_it_goes_on(three_nodes, eventually):
    node = three_nodes[1]
    node.process.send_signal(signal.SIGSTOP)
    eventually(lambda: states(three_nodes[0])["ratelimiter-2"], "Down")
    node.process.send_signal(signal.SIGCONT)
    eventually(lambda: states(three_nodes[0])["ratelimiter-2"], "Up")


def test_a_node_started_again_under_its_id_is_up_again(start_node, eventually):
    staying, killed = start_node("staying"), start_node("again")
    killed.process.kill()
    eventually(lambda: states(staying)["again"], "Down")
    start_node("again")
    assert states(staying) == {"again": "Up", "staying": "Up"}


def test_a_node_that_stays_keeps_itself_registered(start_node, eventually):
    node = start_node("a", "--heartbeat", "0.05")
    first = last_heartbeat(node)
    eventually(lambda: last_heartbeat(node) > first, True)
    assert states(node) == {"a": "Up"}


def test_nodes_refuse_while_redis_is_paused_and_recover_by_themselves(start_node, redis_server, eventually):
    node = start_node()
    redis_server.pause()
    answer = node.ask("POST", "/check", key="k")
    assert (answer.status_code, answer.json()["allowed"]) == (503, False)
    assert node.ask("GET", "/health").status_code == 503
    redis_server.resume()
    eventually(lambda: node.ask("GET", "/health").status_code, 200)
    assert node.ask("POST", "/check", key="other").status_code == 200


def test_nodes_register_again_with_a_redis_that_came_back_empty(three_nodes, redis_server, eventually):
    assert set(states(three_nodes[0]).values()) == {"Up"}
    three_nodes[2].process.kill()
    redis_server.kill()
    assert three_nodes[0].ask("POST", "/check", key="k").status_code == 503
    redis_server.start()
    # The killed one is back in the list too: the others remember it.
    expected = {"ratelimiter-1": "Up", "ratelimiter-2": "Up", "ratelimiter-3": "Down"}
    eventually(lambda: states(three_nodes[0]), expected)
    assert three_nodes[0].ask("POST", "/check", key="k").status_code == 200


def test_a_lost_redis_is_told_and_its_return_too(start_node, redis_server):
    node = start_node("a")
    redis_server.kill()
    lost = node.next_warning()
    assert " a Redis unreachable: " in lost
    assert lost.endswith("; refusing every request\n")
    redis_server.start()
    assert node.next_warning().endswith(" a Redis is back; registered again\n")
    assert node.leave() == (0, "")


def test_a_node_comes_up_before_its_redis_and_says_so(start_node, redis_server, eventually):
    redis_server.kill()
    node = start_node("early")
    assert " without Redis, refusing every request until it is back: " in node.ready_line
    assert node.ask("GET", "/health").status_code == 503
    redis_server.start()
    eventually(lambda: states(node), {"early": "Up"})


def test_an_answer_does_not_wait_for_the_callers_delayed_ack():
    with (
        _listen(read_settings(["--id", "a", "--port", "0"], {})) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_taken_port_is_one_line_and_status_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("--id", "a", "--port", port)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"a: cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port\n"
    )


def test_a_host_that_is_not_ours_is_one_line_and_status_1():
    ended = run("--id", "a", "--host", "192.0.2.1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("a: cannot listen on 192.0.2.1:8001: ")
    assert ended.stderr.count("\n") == 1


def test_bad_settings_are_status_2():
    assert run("--id", "").returncode == 2
    ended = run("--id", "a", "--port", "0", "--redis", "redis://host:port/0")
    assert ended.returncode == 2
    assert ended.stderr.startswith("the Redis URL cannot be used: ")
    assert ended.stderr.count("\n") == 1


def test_an_ipv6_node_is_registered_with_brackets(start_node):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    node = start_node("six", "--host", "::1")
    [found] = node.ask("GET", "/api/nodes").json()["nodes"]
    assert found["address"].startswith("[::1]:")


def test_a_node_on_all_addresses_is_registered_by_the_machines_name(start_node, redis_server):
    start_node("a", "--host", "0.0.0.0")
    address = redis_server.client.hget("ratelimiter:nodes:a", "address")
    assert address.split(":")[0] == socket.gethostname()


def test_metrics_count_what_the_node_answered(start_node):
    node = start_node("a")
    for _ in range(3):
        node.ask("POST", "/check", key="k", limit=2, window_ms=LONG)
    answer = node.ask("GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'ratelimiter_requests_total{node="a",allowed="true"} 2' in answer.text
    assert 'ratelimiter_requests_total{node="a",allowed="false"} 1' in answer.text
    assert 'ratelimiter_check_seconds_count{node="a"} 3' in answer.text


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "systems.ratelimiter", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
