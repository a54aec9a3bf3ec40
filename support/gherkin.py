"""Steps as coroutines on the one event loop of a run.

    @when('counter "{key}" is pushed {by:d} over its limit of {limit:d}')
    async def push(bed: TestBed, key: str, by: int, limit: int) -> None: ...

A step gets the scenario's bed in place of behave's context, and its table or text when it asks for a
`table` (a list of rows, each a dictionary) or a `text`. A step that is interrupted is cancelled and
awaited before the interruption goes on, so that nothing of it happens after the heal.
"""

import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import anyio
import behave
from anyio.from_thread import BlockingPortal, start_blocking_portal

from support.verdict import BrokenBed

T = TypeVar("T")
Step = TypeVar("Step", bound=Callable[..., Awaitable[None]])

STEP_LIMIT = 120.0
"""Seconds after which a step is given up as part of a broken bed; every wait has its own, shorter one."""


class EventLoop:
    """The event loop of a run, in a thread of its own, driven from behave's."""

    def __init__(self) -> None:
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        self._portal: BlockingPortal = self._exits.enter_context(start_blocking_portal())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    def run(self, function: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function to its end and return its result.

        An exception in this thread, such as KeyboardInterrupt, cancels it and is raised once it has ended.
        """
        call = _Call(function)
        return cast("T", self._complete(call, self._portal.start_task_soon(call.run)))

    def open(self, context: AbstractAsyncContextManager[T]) -> tuple[T, Callable[[], None]]:
        """Enter an async context manager in a task of its own; return its value and what leaves it.

        Leaving goes on to its end even when this thread is interrupted meanwhile.
        """
        entered: Future[T] = Future()
        left = anyio.Event()

        async def stay() -> None:
            async with context as value:
                entered.set_result(value)
                await left.wait()

        call = _Call(stay)
        ended = self._portal.start_task_soon(call.run)

        def leave() -> None:
            try:
                self._portal.start_task_soon(left.set)
            finally:
                _wait_for_end(call)
            ended.result()

        self._complete(call, entered, ended)
        return entered.result(), leave

    def _complete(self, call: "_Call", *outcomes: "Future[Any]") -> Any:
        """Wait for the first outcome; whatever interrupts the waiting cancels the call first."""
        try:
            done, _ = wait(outcomes, return_when=FIRST_COMPLETED)
            return done.pop().result()
        except BaseException:
            self._portal.start_task_soon(call.cancel)
            _wait_for_end(call)
            raise


class _Call:
    """One coroutine that can be cancelled from another thread, before or after it has begun."""

    def __init__(self, function: Callable[[], Awaitable[Any]]) -> None:
        self.ended = threading.Event()
        self._function = function
        self._scope: anyio.CancelScope | None = None
        self._unwanted = False

    async def run(self) -> Any:
        try:
            with anyio.CancelScope() as self._scope:
                if self._unwanted:
                    self._scope.cancel()
                return await self._function()
        finally:
            self.ended.set()

    def cancel(self) -> None:
        self._unwanted = True
        if self._scope is not None:
            self._scope.cancel()


def _wait_for_end(call: _Call) -> None:
    while not call.ended.is_set():
        try:
            call.ended.wait()
        except KeyboardInterrupt:
            continue  # the end is on its way, and what is opened has to be closed


def given(sentence: str) -> Callable[[Step], Step]:
    """Define what a sentence that sets the scene does."""
    return _word(behave.given, sentence)


def when(sentence: str) -> Callable[[Step], Step]:
    """Define what a sentence that acts does."""
    return _word(behave.when, sentence)


def then(sentence: str) -> Callable[[Step], Step]:
    """Define what a sentence that claims something does."""
    return _word(behave.then, sentence)


def _word(
    register: Callable[[str], Callable[[Callable[..., None]], object]], sentence: str
) -> Callable[[Step], Step]:
    def define(function: Step) -> Step:
        wanted = inspect.signature(function).parameters

        def step(context: Any, **parameters: object) -> None:
            if "table" in wanted:
                parameters["table"] = [row.as_dict() for row in context.table or ()]
            if "text" in wanted:
                parameters["text"] = context.text
            step_limit = getattr(context.bed, "step_limit", None)
            context.loop.run(partial(_bounded, partial(function, context.bed, **parameters), step_limit))

        register(sentence)(step)
        return function  # so that it can have another sentence, and be part of another step

    return define


async def _bounded(function: Callable[[], Awaitable[None]], step_limit: float | None = None) -> None:
    step_limit = STEP_LIMIT if step_limit is None else step_limit
    with anyio.move_on_after(step_limit) as scope:
        await function()
    if scope.cancelled_caught:
        raise BrokenBed(f"the sentence was given up after {step_limit:g} s")
