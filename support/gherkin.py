"""Steps as coroutines on the one event loop of a run.

    @when('counter "{key}" is pushed {by:d} over its limit of {limit:d}')
    async def push(bed: TestBed, key: str, by: int, limit: int) -> None: ...

A step gets the scenario's bed in place of behave's context, and its table or text when it asks for a
`table` (a list of rows, each a dictionary) or a `text`. A step that is interrupted is cancelled and
awaited before the interruption goes on, so that nothing of it happens after the heal.
"""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import anyio
import behave

from support.verdict import BrokenBed

Step = TypeVar("Step", bound=Callable[..., Awaitable[None]])

STEP_LIMIT = 120.0
"""Seconds after which a step is given up as part of a broken bed; every wait has its own, shorter one."""


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
