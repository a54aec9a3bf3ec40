"""What can go wrong with an answer on its way: one function for each trouble, and their names in sentences.

A script that returns `Troubled(trouble, reply)` has the trouble happen in place of the reply, or to it.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio
from starlette.types import Send

from support.model.wire import ApiError, new_id

_DROP_EVERY = 0.25
"""Seconds from byte to byte of an answer that drips: often enough that no wait for the next byte ends."""


@dataclass(frozen=True, kw_only=True)
class Wire:
    """The way an answer takes: `body` is what it would be; `reset` ends the connection without goodbye."""

    send: Send
    reset: Callable[[], None]
    content_type: str
    body: bytes

    async def begin(self, status: int, headers: Mapping[str, str], *, length: int) -> None:
        """Send status and headers; the connection ends with the answer."""
        told = {"content-type": self.content_type, **headers, "content-length": str(length)}
        raw = [(name.encode(), value.encode()) for name, value in told.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})

    async def go_on(self, data: bytes, *, more: bool) -> None:
        """Send a piece of the body."""
        await self.send({"type": "http.response.body", "body": data, "more_body": more})


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One way for an answer to go wrong. `error` is what the API itself answers, if it is that."""

    happen: Callable[[Wire], Awaitable[None]]
    error: ApiError | None = None


def api_error(status: int, kind: str, message: str, **headers: str) -> Trouble:
    """The API answers with an error."""
    error = ApiError(status, kind, message)

    async def happen(wire: Wire) -> None:
        body = _json(error.body(new_id("req")))
        await wire.begin(status, {"content-type": "application/json", **_headers(headers)}, length=len(body))
        await wire.go_on(body, more=False)

    return Trouble(happen=happen, error=error)


async def _reset(wire: Wire) -> None:
    wire.reset()


async def _hang(wire: Wire) -> None:
    await anyio.sleep_forever()


async def _drip(wire: Wire) -> None:
    await wire.begin(200, {}, length=len(wire.body))
    for at in range(len(wire.body)):
        await wire.go_on(wire.body[at : at + 1], more=at + 1 < len(wire.body))
        await anyio.sleep(_DROP_EVERY)


async def _cut(wire: Wire) -> None:
    await wire.begin(200, {}, length=len(wire.body))
    await wire.go_on(wire.body[: len(wire.body) // 2], more=True)
    wire.reset()


async def _garble(wire: Wire) -> None:
    body = wire.body[: len(wire.body) // 2] + b"<html>Bad gateway</html>"
    await wire.begin(200, {}, length=len(body))
    await wire.go_on(body, more=False)


TROUBLES: Mapping[str, Trouble] = {
    "is overloaded (529)": api_error(529, "overloaded_error", "Overloaded"),
    "limits the rate (429)": api_error(
        429, "rate_limit_error", "This request would exceed the rate limit", retry_after="1"
    ),
    "fails inside (500)": api_error(500, "api_error", "Internal server error"),
    "resets the connection": Trouble(happen=_reset),
    "never answers": Trouble(happen=_hang),
    "answers a byte at a time": Trouble(happen=_drip),
    "breaks off in the middle of its answer": Trouble(happen=_cut),
    "answers what is no JSON": Trouble(happen=_garble),
}
"""The troubles by the words that follow "the model" in a sentence."""


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
