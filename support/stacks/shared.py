"""The stacks that the scenarios of one feature share, one per kind.

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

OpenStack = Callable[[str], AbstractAsyncContextManager[Stack]]
"""Opens a new stack of a kind; leaving the context stops all of it."""


class SharedStacks:
    """Lends the stacks of one feature; made by `shared_stacks`."""

    def __init__(self, tasks: TaskGroup, open_stack: OpenStack) -> None:
        self._tasks = tasks
        self._open = open_stack
        self._running: dict[str, Stay[Stack]] = {}

    async def borrow(self, kind: str) -> Stack:
        """Return a stack in its steady state, with nothing of an earlier scenario in it.

        `kind` is a subject, or a subject and what is special about the stack.

        Raises BrokenBed when neither the running stack nor a new one gets there.
        """
        if kind in self._running:
            stack = self._running[kind].value
            try:
                await stack.reset()
                await stack.steady(within=stack.settles_within)
            except Exception:  # whatever is wrong with the old one, a new one is the remedy
                await self.discard(stack)
            else:
                return stack
        self._running[kind] = await stay(self._tasks, self._open(kind))
        stack = self._running[kind].value
        try:
            await stack.steady(within=stack.settles_within)
            await stack.reset()
        except NotSteady as error:
            await self.discard(stack)
            raise BrokenBed(str(error)) from error
        return stack

    async def discard(self, stack: Stack) -> None:
        """Stop a stack for good, if that has not been done yet."""
        for kind, running in list(self._running.items()):
            if running.value is stack:
                del self._running[kind]
                await running.leave()


@asynccontextmanager
async def shared_stacks(open_stack: OpenStack) -> AsyncIterator[SharedStacks]:
    """Lend stacks until the block is left; then all of them are stopped."""
    async with anyio.create_task_group() as tasks:
        try:
            yield SharedStacks(tasks, open_stack)
        finally:
            tasks.cancel_scope.cancel()
