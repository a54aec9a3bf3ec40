"""Async context managers that stay open for longer than a block, and task groups that end in order."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup, TaskStatus

T = TypeVar("T")


@dataclass(frozen=True)
class Stay(Generic[T]):
    """A context that is open; made by `stay`."""

    value: T
    _leave: anyio.Event
    _left: anyio.Event

    async def leave(self) -> None:
        """Close the context and return when it is closed; its errors are raised in the task group."""
        self._leave.set()
        await self._left.wait()


async def stay(tasks: TaskGroup, context: AbstractAsyncContextManager[T]) -> Stay[T]:
    """Open `context` in a new task of the group; raises what goes wrong on opening."""
    opened: Stay[T] = await tasks.start(_hold, context)
    return opened


async def _hold(context: AbstractAsyncContextManager[T], *, task_status: TaskStatus[Stay[T]]) -> None:
    leave, left = anyio.Event(), anyio.Event()
    try:
        async with context as value:
            task_status.started(Stay(value, leave, left))
            await leave.wait()
    finally:
        left.set()


async def end(tasks: TaskGroup, error: BaseException | None) -> None:
    """Close a group that `__aenter__` has opened; an `error` that is under way goes on as it is.

    The group would wrap it, or put a cancellation of the surroundings in its place.
    """
    try:
        await tasks.__aexit__(None, None, None)
    except anyio.get_cancelled_exc_class():
        if error is None:
            raise
