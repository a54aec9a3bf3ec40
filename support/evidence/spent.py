"""Where a scenario's time goes: waiting for the system under test, running stacks, or the harness."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

Purpose = Literal["stack", "waiting"]


class Spent:
    """A stopwatch with a purpose; what is spent on no purpose is the harness's own."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._spans: list[tuple[Purpose, float, float]] = []

    @contextmanager
    def on(self, purpose: Purpose) -> Iterator[None]:
        """Count the time inside the block; blocks may overlap and nest, no moment counts twice."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._spans.append((purpose, started, time.monotonic()))

    def seconds(self) -> dict[str, float]:
        """Seconds by purpose since the start; a moment of both purposes counts as waiting."""
        total = time.monotonic() - self._started
        waiting = _covered((a, b) for purpose, a, b in self._spans if purpose == "waiting")
        either = _covered((a, b) for _, a, b in self._spans)
        return {"harness": total - either, "stack": either - waiting, "waiting": waiting}


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of the union of the spans."""
    total = 0.0
    reached = float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
