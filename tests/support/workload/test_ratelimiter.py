"""Traffic and its tally, against a server that answers as it is told."""

import contextlib
import json
from collections import Counter
from collections.abc import Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.workload.ratelimiter import Answer, Tally, Traffic, burst, most_within

pytestmark = pytest.mark.anyio

MS = 1_000_000
SECOND = 1_000 * MS


class FakeNode:
    """Allows `limit` requests, then refuses; or answers every one with `status`."""

    def __init__(self, *, limit: int = 1_000_000, status: int | None = None) -> None:
        self.limit = limit
        self.status = status
        self.keys: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = anyio.Event()
        self.gate.set()

    async def answer(self, stream) -> None:
        async with stream:
            received = b""
            while b"\r\n\r\n" not in received or not received.endswith(b"}"):
                received += await stream.receive()
            head, body = received.split(b"\r\n\r\n")
            assert head.startswith(b"POST /check ")
            self.keys.append(json.loads(body)["key"])
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            status = self.status or (200 if len(self.keys) <= self.limit else 429)
            await self.gate.wait()
            self.at_once -= 1
            await stream.send(
                f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
            )


@contextlib.asynccontextmanager
async def serving(*nodes: FakeNode):
    """Give the base URLs of the nodes while they serve."""
    async with contextlib.AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        urls = []
        for node in nodes:
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
            await stack.enter_async_context(listener)
            tasks.start_soon(listener.serve, node.answer)
            urls.append(f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}")
        yield urls
        tasks.cancel_scope.cancel()


async def free_url() -> str:
    """The URL of a port where nobody listens."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        return f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not condition():  # noqa: ASYNC110 - what is counted here has no event
            await anyio.sleep(0.005)


async def test_a_burst_goes_to_all_nodes_in_turn_and_is_tallied():
    nodes = [FakeNode(limit=3), FakeNode(limit=0), FakeNode(status=503)]
    async with serving(*nodes) as urls:
        tally = await burst(urls, "k", requests=30)
    assert [len(node.keys) for node in nodes] == [10, 10, 10]
    assert set(nodes[0].keys) == {"k"}
    assert (tally.allowed, tally.refused, tally.failed) == (3, 17, 10)
    assert len(tally.answers) == 30
    assert Counter(answer.status for answer in tally.answers) == {200: 3, 429: 17, 503: 10}


async def test_a_burst_keeps_to_its_concurrency():
    node = FakeNode()
    node.gate = anyio.Event()
    async with serving(node) as [url], anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: burst([url], "k", requests=20, concurrency=7))
        await until(lambda: node.at_once == 7)
        node.gate.set()
    assert len(node.keys) == 20
    assert node.most_at_once == 7


async def test_a_burst_of_none_is_an_empty_tally():
    assert await burst(["http://127.0.0.1:1"], "k", requests=0) == Tally()


async def test_a_node_that_is_gone_yields_failed_answers_and_no_exception():
    gone = await free_url()
    async with serving(FakeNode()) as [url]:
        tally = await burst([url, gone], "k", requests=10)
    failed = [answer for answer in tally.answers if answer.allowed is None]
    assert {(answer.node, answer.status) for answer in failed} == {(gone, 0)}
    assert (tally.allowed, tally.failed) == (5, 5)


async def test_every_answer_has_the_times_around_its_request():
    async with serving(FakeNode()) as urls:
        tally = await burst(urls, "k", requests=5)
    assert all(answer.at < answer.done for answer in tally.answers)
    assert [answer.done for answer in tally.answers] == sorted(answer.done for answer in tally.answers)


async def test_traffic_flows_to_all_nodes_and_keys_until_its_block_ends():
    nodes = [FakeNode(), FakeNode()]
    async with serving(*nodes) as urls:
        async with Traffic(urls, ["a", "b"], rate=1000) as traffic:
            await until(lambda: len(traffic.tally.answers) >= 20)
        sent = [len(node.keys) for node in nodes]
        assert traffic.tally.allowed == len(traffic.tally.answers) == sum(sent)
        assert abs(sent[0] - sent[1]) <= 1
        for node in nodes:
            shares = Counter(node.keys)
            assert abs(shares["a"] - shares["b"]) <= 1


async def test_traffic_keeps_to_its_rate():
    node = FakeNode()
    async with serving(node) as urls, Traffic(urls, ["k"], rate=20) as traffic:
        await until(lambda: len(traffic.tally.answers) >= 10)
    sent = sorted(answer.at for answer in traffic.tally.answers)
    # However slow the machine, it never sends faster: nine pauses of 50 ms lie between ten.
    assert sent[9] - sent[0] >= 9 * 50 * MS - 20 * MS


async def test_traffic_awaits_the_answers_to_what_it_sent():
    node = FakeNode()
    node.gate = anyio.Event()

    async def open_the_gate() -> None:
        node.gate.set()

    async with serving(node) as urls, anyio.create_task_group() as tasks:
        async with Traffic(urls, ["k"], rate=100) as traffic:
            await until(lambda: node.at_once >= 3)
            assert traffic.tally.answers == []
            tasks.start_soon(open_the_gate)
        assert traffic.tally.allowed == len(node.keys) >= 3


async def test_an_error_in_the_block_is_raised_as_it_is_and_drops_what_is_under_way():
    node = FakeNode()
    node.gate = anyio.Event()
    async with serving(node) as urls:
        traffic = Traffic(urls, ["k"], rate=100)
        with pytest.raises(AssertionError, match="a step failed"):  # noqa: PT012
            async with traffic:
                await until(lambda: node.at_once >= 1)
                raise AssertionError("a step failed")
        assert traffic.tally.answers == []


async def test_a_block_that_is_cancelled_ends_the_traffic():
    node = FakeNode()
    node.gate = anyio.Event()
    async with serving(node) as urls:
        with anyio.CancelScope() as scope:
            async with Traffic(urls, ["k"], rate=100):
                await until(lambda: node.at_once >= 1)
                scope.cancel()
                await anyio.sleep_forever()
        assert scope.cancelled_caught


async def test_traffic_counts_the_failures_of_a_node_that_is_gone():
    gone = await free_url()
    async with Traffic([gone], ["k"], rate=200) as traffic:
        await until(lambda: traffic.tally.failed >= 5)
    assert traffic.tally.allowed == 0


def answers(*times: tuple[float, float], allowed: bool | None = True) -> list[Answer]:
    return [
        Answer(int(at * SECOND), int(done * SECOND), "n", 200 if allowed else 429, allowed)
        for at, done in times
    ]


def test_allowed_answers_in_one_window_are_counted():
    assert most_within(answers((0, 0.1), (0.5, 0.6), (0.8, 0.9), (5, 5.1)), 1000) == 3


def test_answers_that_may_lie_in_different_windows_are_not_counted_together():
    # Decided anywhere from 0 to 0.1 and from 0.9 to 1.05: perhaps more than a second apart.
    assert most_within(answers((0, 0.1), (0.9, 1.05)), 1000) == 1


def test_answers_exactly_a_window_apart_are_not_in_one():
    assert most_within(answers((0, 0), (1, 1)), 1000) == 1


def test_refused_and_failed_answers_do_not_count():
    assert most_within(answers((0, 0.1), allowed=False), 1000) == 0
    assert most_within(answers((0, 0.1), allowed=None), 1000) == 0
    assert most_within([], 1000) == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 30)).map(lambda pair: (pair[0], sum(pair))),
        max_size=30,
    )
)
def test_the_count_is_that_of_the_definition(times):
    history = [Answer(at * MS, done * MS, "n", 200, True) for at, done in times]
    definition = max(
        (sum(first <= at and done < first + 20 for at, done in times) for first in {at for at, _ in times}),
        default=0,
    )
    assert most_within(history, 20) == definition
