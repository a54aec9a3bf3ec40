"""Healthy traffic for rate limiter nodes: bursts, steady streams, and a record of every answer.

A tally is a history: pure functions such as `most_within` judge it afterwards.

    async with Traffic(nodes, ["checkout"], rate=20) as traffic:
        ...  # break and repair something
    assert most_within(traffic.tally.answers, window_ms=1000) <= limit
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice, product
from time import monotonic_ns
from types import TracebackType
from typing import Self

import anyio
import httpx

from support.stay import end

# Seconds. A node gives up on Redis within one; what takes longer is no answer.
_TIMEOUT = 2.0


@dataclass(frozen=True)
class Answer:
    """One request to one node, sent `at` and answered, or given up, when `done`; monotonic ns.

    `status` is 0 when there was no answer. `allowed` is None when the node did not decide, which
    includes a 503: then nobody knows whether the request was counted.
    """

    at: int
    done: int
    node: str
    status: int
    allowed: bool | None


@dataclass
class Tally:
    """All answers, in the order in which they came."""

    answers: list[Answer] = field(default_factory=list)

    @property
    def allowed(self) -> int:
        """How many requests were allowed."""
        return sum(answer.allowed is True for answer in self.answers)

    @property
    def refused(self) -> int:
        """How many requests were refused by their limit."""
        return sum(answer.allowed is False for answer in self.answers)

    @property
    def failed(self) -> int:
        """How many requests got no decision."""
        return sum(answer.allowed is None for answer in self.answers)


async def burst(nodes: Sequence[str], key: str, *, requests: int, concurrency: int = 50) -> Tally:
    """Send `requests` for `key` as fast as they go, `concurrency` at once, to all nodes in turn.

    `nodes` are base URLs. A node that does not answer yields failed answers and no exception.
    """
    tally = Tally()
    turns = islice(cycle(nodes), requests)

    async def keep_sending() -> None:
        # A client for each: what one pool spends on bookkeeping grows with the square of its
        # connections, and was four fifths of the time of a burst of 50 at once (httpcore 1.0.9).
        async with _client() as client:
            for node in turns:
                tally.answers.append(await _check(client, node, key))

    async with anyio.create_task_group() as tasks:
        for _ in range(min(concurrency, requests)):
            tasks.start_soon(keep_sending)
    return tally


class Traffic:
    """Steady traffic for as long as its block lasts, spread evenly over nodes and keys.

    `nodes` are base URLs; `rate` is in requests per second over all of them. When sending falls
    behind, what was missed is not made up for: healthy traffic has no bursts. At the end of the
    block the requests under way are awaited, so that `tally` is complete; when the block is
    cancelled or raises, they are dropped.
    """

    def __init__(self, nodes: Sequence[str], keys: Sequence[str], *, rate: float) -> None:
        self.tally = Tally()
        self._turns = cycle(product(keys, nodes))
        self._pause = 1 / rate
        self._sending = anyio.CancelScope()

    async def __aenter__(self) -> Self:
        self._client = await _client().__aenter__()
        self._requests = await anyio.create_task_group().__aenter__()
        self._requests.start_soon(self._send_steadily)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sending.cancel()
        if error is not None:
            self._requests.cancel_scope.cancel()
        try:
            await end(self._requests, error)
        finally:
            await self._client.__aexit__(None, None, None)

    async def _send_steadily(self) -> None:
        due = anyio.current_time()
        with self._sending:
            while True:
                key, node = next(self._turns)
                self._requests.start_soon(self._send, node, key)
                due = max(due + self._pause, anyio.current_time())
                await anyio.sleep_until(due)

    async def _send(self, node: str, key: str) -> None:
        self.tally.answers.append(await _check(self._client, node, key))


def most_within(answers: Iterable[Answer], window_ms: int) -> int:
    """Return the largest number of allowed answers that certainly fell in one window.

    When a node decided is not known, only that it was between sending and answer: a group counts
    when the last of its answers came less than a window after the first of its requests was sent.
    """
    window = window_ms * 1_000_000
    most = 0
    # From the last request sent to the first: `dones` are the answers to those sent since.
    dones: list[int] = []
    for answer in sorted((each for each in answers if each.allowed), key=_sent, reverse=True):
        insort(dones, answer.done)
        most = max(most, bisect_left(dones, answer.at + window))
    return most


def _sent(answer: Answer) -> int:
    return answer.at


def _client() -> httpx.AsyncClient:
    # No proxies and no certificates: the nodes are our own. As many connections as are wanted.
    return httpx.AsyncClient(
        timeout=_TIMEOUT, trust_env=False, verify=False, limits=httpx.Limits(max_connections=None)
    )


async def _check(client: httpx.AsyncClient, node: str, key: str) -> Answer:
    at = monotonic_ns()
    try:
        response = await client.post(f"{node}/check", json={"key": key})
    except httpx.TransportError:
        return Answer(at, monotonic_ns(), node, 0, None)
    decided = {200: True, 429: False}
    return Answer(at, monotonic_ns(), node, response.status_code, decided.get(response.status_code))
