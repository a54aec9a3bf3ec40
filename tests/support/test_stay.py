"""Contexts that stay open, and what their errors come to."""

from contextlib import asynccontextmanager

import anyio
import pytest

from support.stay import end, stay

pytestmark = pytest.mark.anyio


async def test_what_goes_wrong_on_leaving_is_raised_though_everything_is_being_cancelled():
    @asynccontextmanager
    async def context():
        tasks = await anyio.create_task_group().__aenter__()
        error = None
        try:
            yield
        finally:
            try:
                raise ConnectionError("it went away")
            except ConnectionError as wrong:
                error = wrong
                raise
            finally:
                await end(tasks, error)

    async def stay_and_cancel():
        async with anyio.create_task_group() as tasks:
            await stay(tasks, context())
            tasks.cancel_scope.cancel()

    with pytest.raises(ExceptionGroup) as raised:
        await stay_and_cancel()
    assert raised.group_contains(ConnectionError, match="it went away")


async def test_without_an_error_a_cancellation_stays_one():
    with anyio.CancelScope() as scope:
        tasks = await anyio.create_task_group().__aenter__()
        tasks.start_soon(anyio.sleep_forever)
        scope.cancel()
        await end(tasks, None)
        pytest.fail("it went on")
    assert scope.cancelled_caught
