"""Healthy traffic for a TiKV cluster: half reads, half updates, and how many of them succeed over time.

async with Traffic(stack, name="orders") as traffic:
    ...  # break and repair something
assert traffic.rate(since, until) > 0.8 * before
"""

import itertools
from dataclasses import dataclass
from time import monotonic_ns
from types import TracebackType
from typing import Self

import anyio
import httpx

from support.stacks.tikv import TikvStack
from support.stay import end

_WORKERS = 12
_KEYS = 16
"""Keys of each worker, so many that every worker meets every region."""
_PAUSE = 0.03
"""Seconds between two requests of one worker: load that a laptop does not feel."""


@dataclass(frozen=True)
class Answer:
    """One request, answered or given up at `done` (monotonic ns)."""

    done: int
    kind: str
    good: bool


class Traffic:
    """Steady traffic for as long as its block lasts, with a few workers on keys of their own."""

    def __init__(self, stack: TikvStack, *, name: str) -> None:
        self.answers: list[Answer] = []
        self.acknowledged: dict[str, str] = {}
        """The last value of each key whose update was acknowledged, and none after it was in doubt."""
        self._stack = stack
        self._name = name
        self._paused = False
        self._under_way = 0

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        for number in range(_WORKERS):
            self._tasks.start_soon(self._work, f"{self._name}-{number}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tasks.cancel_scope.cancel()
        await end(self._tasks, error)

    async def pause(self) -> None:
        """Send nothing more, and wait for the answers that are due."""
        self._paused = True
        while self._under_way:  # noqa: ASYNC110 - the last answers come within milliseconds
            await anyio.sleep(0.01)

    def rate(self, since: int, until: int) -> float:
        """Requests per second that succeeded between two moments (monotonic ns)."""
        good = sum(answer.good and since <= answer.done < until for answer in self.answers)
        return good / ((until - since) / 1e9)

    async def _work(self, prefix: str) -> None:
        for number in itertools.count():
            key, value = f"{prefix}-{number % _KEYS}", f"value {number}"
            if not self._paused:
                self.acknowledged.pop(key, None)  # in doubt until the answer is there
            if await self._done("update", self._stack.write, key, value):
                self.acknowledged[key] = value
            await anyio.sleep(_PAUSE)
            await self._done("read", self._stack.read, key)
            await anyio.sleep(_PAUSE)

    async def _done(self, kind: str, request: object, *words: str) -> bool:
        if self._paused:
            await anyio.sleep_forever()
        self._under_way += 1
        try:
            await request(*words)  # type: ignore[operator]
        except httpx.HTTPError:
            self.answers.append(Answer(monotonic_ns(), kind, good=False))
            return False
        finally:
            self._under_way -= 1
        self.answers.append(Answer(monotonic_ns(), kind, good=True))
        return True
