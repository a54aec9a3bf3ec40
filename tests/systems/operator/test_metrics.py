"""What a Prometheus answers, and what the operator makes of it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from systems.operator.subjects import tikv
from systems.operator.subjects.metrics import Latency, Prometheus
from systems.operator.subjects.tikv_rules import Observation, Rules

pytestmark = pytest.mark.anyio


class Server(ThreadingHTTPServer):
    """Answers every query with the same body."""

    def __init__(self, status, body):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.body = body
        self.queries = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.queries.append(parse_qs(urlsplit(self.path).query).get("query"))
        body = json.dumps(self.server.body).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nobody reads it."""


@pytest.fixture
def serve():
    servers = []

    def start(body, status=200):
        server = Server(status, body)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def series(*values):
    return {"data": {"result": [{"metric": {}, "value": [1.0, value]} for value in values]}}


async def latency(url, *, span=60.0):
    async with httpx.AsyncClient(trust_env=False) as client:
        return await Prometheus(client, url, span=span).latency()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (series("0.25"), Latency(0.25)),
        (series("NaN"), Latency(0.0)),
        (series(), Latency(None, "Prometheus knows of no request to a store")),
        ({"status": "error"}, Latency(None, "Prometheus knows of no request to a store")),
        ([], Latency(None, "Prometheus knows of no request to a store")),
    ],
)
async def test_an_answer_is_a_figure_or_a_reason_why_there_is_none(serve, body, expected):
    server = serve(body)
    assert await latency(f"http://127.0.0.1:{server.server_port}/") == expected


@pytest.mark.parametrize(("span", "window"), [(60, "60000ms"), (1, "5000ms")])
async def test_as_much_of_the_past_is_asked_for_as_counts_and_never_too_little(serve, span, window):
    server = serve(series("0.1"))
    await latency(f"http://127.0.0.1:{server.server_port}", span=span)
    ((query,),) = server.queries
    assert f"[{window}]" in query


async def test_a_prometheus_that_is_gone_is_a_reason():
    found = await latency("http://127.0.0.1:1")
    assert found.p99 is None
    assert found.why == "Prometheus: http://127.0.0.1:1/api/v1/query: connection refused"


def judged(*seen, every=1.0):
    rules = Rules(silence_seconds=30, latency_seconds=2)
    findings = ()
    for number, each in enumerate(seen):
        findings = rules.judge(Observation(latency=each), at=number * every)
    return {finding.invariant: finding for finding in findings}.get("high_latency")


def test_where_nobody_is_asked_nothing_is_found():
    assert judged(None, None, None) is None
    assert "high_latency" in tikv.not_observed({})
    assert tikv.not_observed({"PROMETHEUS_URL": "http://x"}) == {}


def test_what_is_not_known_is_neither_fulfilled_nor_violated():
    found = judged(Latency(0.01), Latency(None, "gone"))
    assert found.unobserved == "gone"
    assert not found.clears(None)


def test_only_what_lasts_is_a_violation():
    assert judged(Latency(0.3), Latency(0.3)).undecided
    (violation,) = judged(Latency(0.3), Latency(0.3), Latency(0.3)).violations
    assert violation.key == "high_latency"
    assert violation.message == (
        "Requests to the stores take long: p99 is 300 ms, and has been over 100 ms for 2 s."
    )
    assert judged(Latency(0.3), Latency(0.1), Latency(0.3)).undecided
    assert judged(Latency(0.3), Latency(0.3), Latency(0.1)).clears(None)
