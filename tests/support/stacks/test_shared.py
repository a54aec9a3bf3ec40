from contextlib import asynccontextmanager

import pytest

from support.stacks.shared import shared_stacks
from support.stacks.stack import NotSteady
from support.verdict import BrokenBed

pytestmark = pytest.mark.anyio


class FragileStack:
    """A stack that is in its steady state until somebody says that it is not."""

    settles_within = 5.0
    subject = "ratelimiter"

    def __init__(self, number, *, wrong=None):
        self.number = number
        self.wrong = wrong
        self.stopped = False
        self.resets = 0

    async def steady(self, *, within):
        if self.wrong:
            raise NotSteady(self.wrong)

    async def reset(self):
        self.resets += 1


@pytest.fixture
def opened():
    return []


@pytest.fixture
def open_stack(opened):
    @asynccontextmanager
    async def open_stack(subject):
        stack = FragileStack(len(opened) + 1)
        opened.append(stack)
        try:
            yield stack
        finally:
            stack.stopped = True

    return open_stack


async def test_a_healthy_stack_is_lent_again_and_emptied_in_between(open_stack):
    async with shared_stacks(open_stack) as stacks:
        first = await stacks.borrow("ratelimiter")
        assert await stacks.borrow("ratelimiter") is first
        assert first.resets == 2
    assert first.stopped


async def test_a_stack_that_is_not_steady_any_more_is_replaced(open_stack, opened):
    async with shared_stacks(open_stack) as stacks:
        first = await stacks.borrow("ratelimiter")
        first.wrong = "a node is gone"
        second = await stacks.borrow("ratelimiter")
        assert second.number == 2
        assert first.stopped
        assert not second.stopped


async def test_a_discarded_stack_is_stopped_before_the_next_is_started(open_stack, opened):
    async with shared_stacks(open_stack) as stacks:
        first = await stacks.borrow("ratelimiter")
        await stacks.discard(first)
        assert first.stopped
        assert (await stacks.borrow("ratelimiter")).number == 2


async def test_a_new_stack_that_does_not_get_there_is_a_broken_bed():
    @asynccontextmanager
    async def open_stack(subject):
        yield FragileStack(1, wrong="counter checkout stands at 15")

    async with shared_stacks(open_stack) as stacks:
        with pytest.raises(BrokenBed, match="counter checkout stands at 15"):
            await stacks.borrow("ratelimiter")


async def test_a_stack_that_cannot_be_started_is_raised_to_the_borrower():
    @asynccontextmanager
    async def open_stack(subject):
        raise BrokenBed("no Redis server on this machine")
        yield

    async with shared_stacks(open_stack) as stacks:
        with pytest.raises(BrokenBed, match="no Redis server"):
            await stacks.borrow("ratelimiter")
