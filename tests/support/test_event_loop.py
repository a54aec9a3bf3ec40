"""The event loop that the main thread drives, and interruptions of it."""

import os
import random
import signal
import threading
from contextlib import asynccontextmanager, suppress

import anyio
import pytest

from support.event_loop import EventLoop
from support.verdict import BrokenBed


def interrupt_main_thread():
    os.kill(os.getpid(), signal.SIGINT)


def interrupt_main_thread_soon():
    """Within a third of a millisecond: before a step is started, while it is, or when it runs."""
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 3e-4))


@pytest.fixture
def alarm_interrupts():
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_a_step_returns_what_its_coroutine_returns():
    async def five():
        return 5

    with EventLoop() as loop:
        assert loop.run(five) == 5


def test_background_tasks_go_on_between_steps():
    ticks = []

    @asynccontextmanager
    async def ticking():
        async def tick():
            while True:
                ticks.append(1)
                await anyio.sleep(0.001)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            yield
            tasks.cancel_scope.cancel()

    enough = threading.Event()
    with EventLoop() as loop:
        _, leave = loop.open(ticking())
        before = len(ticks)
        while len(ticks) < before + 20:
            enough.wait(0.01)
        leave()


def test_an_interrupted_step_is_over_before_the_interruption_goes_on():
    story = []
    running = threading.Event()

    async def step():
        try:
            running.set()
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.1)
            story.append("undone")

    def interrupt():
        running.wait()
        interrupt_main_thread()

    with EventLoop() as loop:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            loop.run(step)
        story.append("heal")
    assert story == ["undone", "heal"]


@pytest.mark.usefixtures("alarm_interrupts")
def test_a_step_that_is_interrupted_while_it_is_started_is_over_too():
    with EventLoop() as loop:
        for _ in range(100):
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it may come at any moment of these
                interrupt_main_thread_soon()
                loop.run(anyio.sleep_forever)


def test_leaving_goes_on_to_its_end_when_interrupted():
    story = []
    leaving = threading.Event()

    @asynccontextmanager
    async def slow_to_leave():
        try:
            yield
        finally:
            leaving.set()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.1)
            story.append("left")

    def interrupt():
        leaving.wait()
        interrupt_main_thread()

    with EventLoop() as loop:
        _, leave = loop.open(slow_to_leave())
        threading.Thread(target=interrupt).start()
        with suppress(KeyboardInterrupt):  # it may come before the waiting has begun
            leave()
        assert story == ["left"]


def test_what_goes_wrong_on_entering_is_raised_where_it_was_opened():
    @asynccontextmanager
    async def broken():
        raise BrokenBed("no stack")
        yield

    with EventLoop() as loop, pytest.raises(BrokenBed, match="no stack"):
        loop.open(broken())


def test_what_goes_wrong_on_leaving_is_raised_there():
    @asynccontextmanager
    async def broken():
        yield
        raise BrokenBed("will not go")

    with EventLoop() as loop:
        _, leave = loop.open(broken())
        with pytest.raises(BrokenBed, match="will not go"):
            leave()
