"""Loads the anthropic SDK aside, so that its second and more of CPU stands between nobody and a ticket."""

import asyncio
import contextlib
import gc
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

OLDEST = "0.125.0"
"""The oldest version of the SDK that the operator works with; the newest is the one it is installed with."""


def load_client(*, seconds: float, retries: int) -> "asyncio.Future[AsyncAnthropic]":
    """Begin to load in a thread of its own; the result is the model's client, or what went wrong.

    The client takes its address and credentials from the environment, as the SDK documents. It waits
    `seconds` for an answer, and asks again up to `retries` times when there is none.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[AsyncAnthropic] = loop.create_future()

    def load() -> None:
        try:
            client = _client(seconds=seconds, retries=retries)
        except Exception as error:  # whatever it is, the first ticket will tell
            loop.call_soon_threadsafe(future.set_exception, error)
        else:
            loop.call_soon_threadsafe(future.set_result, client)

    threading.Thread(target=load, name="load the SDK", daemon=True).start()
    return future


def _client(*, seconds: float, retries: int) -> "AsyncAnthropic":
    gc.disable()  # this makes 3,000 modules and no garbage; looking for that takes a quarter of the time
    try:
        import anthropic

        # What the rehearsal would have spared is then paid by the first ticket.
        with contextlib.suppress(Exception):
            asyncio.run(_rehearse())
        return anthropic.AsyncAnthropic(max_retries=retries, timeout=seconds)
    finally:
        gc.freeze()
        gc.enable()


async def _rehearse() -> None:
    """Have the SDK parse one made-up reply: it builds its validators on first use, for 150 ms."""
    import anthropic
    import httpx2

    def reply(_: httpx2.Request) -> httpx2.Response:
        message = {
            "id": "msg_rehearsal",
            "type": "message",
            "role": "assistant",
            "model": "rehearsal",
            "content": [{"type": "text", "text": "."}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        return httpx2.Response(200, json=message)

    async with anthropic.AsyncAnthropic(
        api_key="rehearsal",
        base_url="http://rehearsal.invalid",
        http_client=anthropic.DefaultAsyncHttpxClient(transport=httpx2.MockTransport(reply)),
    ) as client:
        runner = client.beta.messages.tool_runner(
            model="rehearsal",
            max_tokens=1,
            messages=[{"role": "user", "content": "."}],
            tools=[],
            max_iterations=1,
        )
        await runner.until_done()
