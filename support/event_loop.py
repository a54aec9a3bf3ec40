"""An event loop in a thread of its own, driven from the main thread, where Ctrl-C may come at any moment."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import anyio

__all__ = ["EventLoop"]

T = TypeVar("T")

_DEAF = 0.1
"""Seconds for which a signal may go unheard."""


class EventLoop:
    """The event loop of a run.

    KeyboardInterrupt is raised between any two instructions of the main thread. In the midst of a lock
    of Python code (`threading.Event`, `concurrent.futures.Future`) it can leave that lock taken for
    ever, so that the loop stands still. So the main thread waits for nothing but a `SimpleQueue`, which
    is one instruction, and says everything twice rather than never.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=anyio.run, args=(self._host,), daemon=True)
        self._thread.start()
        self._open.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._soon(self._closing.set)
        self._thread.join()

    async def _host(self) -> None:
        self._closing = anyio.Event()
        async with anyio.create_task_group() as self._tasks:
            self._loop = asyncio.get_running_loop()
            self._context = contextvars.copy_context()  # anyio asks it where it is
            self._open.set()
            await self._closing.wait()

    def run(self, function: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function to its end and return its result.

        An exception in this thread, such as KeyboardInterrupt, cancels it and is raised once it has ended.
        """
        call = _Call(function)
        self._begin(call)
        return cast("T", call.outcome())

    def open(self, context: AbstractAsyncContextManager[T]) -> tuple[T, Callable[[], None]]:
        """Enter an async context manager in a task of its own; return its value and what leaves it.

        Leaving goes on to its end even when this thread is interrupted meanwhile.
        """
        entered: list[T] = []
        left = anyio.Event()

        async def stay() -> None:
            async with context as value:
                entered.append(value)
                call.tell()
                await left.wait()

        call = _Call(stay)

        def leave() -> None:
            self._until_ended(call, left.set)
            call.outcome()

        self._begin(call)
        if not entered:
            call.outcome()
        return entered[0], leave

    def _begin(self, call: "_Call") -> None:
        """Start a call and wait until it has something to tell; whatever interrupts that ends it first."""
        try:
            self._soon(call.start, self._tasks)
            while not call.told:
                call.wait()
        except BaseException:
            self._until_ended(call, call.cancel)
            raise

    def _until_ended(self, call: "_Call", bring_about: Callable[[], object]) -> None:
        while not call.ended:
            with suppress(KeyboardInterrupt):  # the end is on its way, and what is opened has to be closed
                self._soon(bring_about)
                call.wait()

    def _soon(self, call: Callable[..., object], *arguments: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(call, *arguments, context=self._context)


class _Call:
    """One coroutine function, started and cancelled on the loop and waited for elsewhere."""

    def __init__(self, function: Callable[[], Awaitable[Any]]) -> None:
        self._news: SimpleQueue[None] = SimpleQueue()
        self.told = False
        self.ended = False
        self._function = function
        self._result: Any = None
        self._error: BaseException | None = None
        self._scope: anyio.CancelScope | None = None

    def start(self, tasks: anyio.abc.TaskGroup) -> None:
        self._scope = anyio.CancelScope()
        tasks.start_soon(self._run, self._scope)

    def cancel(self) -> None:
        if self._scope is None:  # it was never started, and will not be: calls of the loop keep their order
            self._end()
        else:
            self._scope.cancel()

    def tell(self) -> None:
        self.told = True
        self._news.put(None)

    def wait(self) -> None:
        """Wait for something new, or for a moment; look at the attributes then.

        A signal that comes just before the wait does not end it, and is heard after that moment.
        """
        with suppress(Empty):
            self._news.get(timeout=_DEAF)

    def outcome(self) -> Any:
        """Its result, or what it raised; once it has ended."""
        if self._error is not None:
            raise self._error
        return self._result

    async def _run(self, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                self._result = await self._function()
        except Exception as error:
            self._error = error
        finally:
            self._end()

    def _end(self) -> None:
        self.ended = True
        self.tell()
