"""The stacks that the scenarios of one feature share, one per subject.

A scenario gets a stack only in its steady state and emptied of what went before. A stack that does not
reach it, or does not come back to it afterwards, is discarded, and the next scenario gets a new one.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from support.stacks.stack import NotSteady, Stack
from support.stay import Stay, stay
from support.verdict import BrokenBed

STEADY_WITHIN = 15.0
"""Seconds that a stack has to reach its steady state."""

OpenStack = Callable[[str], AbstractAsyncContextManager[Stack]]
"""Opens a new stack of a subject; leaving the context stops all of it."""


class SharedStacks:
    """Lends the stacks of one feature; made by `shared_stacks`."""

    def __init__(self, tasks: TaskGroup, open_stack: OpenStack) -> None:
        self._tasks = tasks
        self._open = open_stack
        self._running: dict[str, Stay[Stack]] = {}

    async def borrow(self, subject: str) -> Stack:
        """Return a stack in its steady state, with nothing of an earlier scenario in it.

        Raises BrokenBed when neither the running stack nor a new one gets there.
        """
        if subject in self._running:
            stack = self._running[subject].value
            try:
                await stack.reset()
                await stack.steady(within=STEADY_WITHIN)
            except Exception:  # whatever is wrong with the old one, a new one is the remedy
                await self.discard(stack)
            else:
                return stack
        self._running[subject] = await stay(self._tasks, self._open(subject))
        stack = self._running[subject].value
        try:
            await stack.steady(within=STEADY_WITHIN)
            await stack.reset()
        except NotSteady as error:
            await self.discard(stack)
            raise BrokenBed(str(error)) from error
        return stack

    async def discard(self, stack: Stack) -> None:
        """Stop a stack for good, if that has not been done yet."""
        running = self._running.get(stack.subject)
        if running is not None and running.value is stack:
            del self._running[stack.subject]
            await running.leave()


@asynccontextmanager
async def shared_stacks(open_stack: OpenStack) -> AsyncIterator[SharedStacks]:
    """Lend stacks until the block is left; then all of them are stopped."""
    async with anyio.create_task_group() as tasks:
        try:
            yield SharedStacks(tasks, open_stack)
        finally:
            tasks.cancel_scope.cancel()
