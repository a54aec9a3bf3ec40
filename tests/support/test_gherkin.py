"""Sentences as coroutines."""

import anyio
import pytest

from support import gherkin
from support.event_loop import EventLoop
from support.verdict import BrokenBed


def test_a_sentence_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(gherkin, "STEP_LIMIT", 0.01)

    async def forever():
        await anyio.sleep_forever()

    async def bounded():
        await gherkin._bounded(forever)

    with EventLoop() as loop, pytest.raises(BrokenBed, match="given up"):
        loop.run(bounded)
