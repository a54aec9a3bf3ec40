"""Asking a member of a system over HTTP, where silence and refusal are answers too."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import httpx


class CannotObserveError(Exception):
    """Nothing of the system could be observed; the text says what was tried and what happened."""


@dataclass(frozen=True)
class Reply:
    """What came back from one request.

    `refused`: the machine answers that nobody listens there. `silent`: no answer in time, no way
    there, or an answer that is none.
    """

    kind: Literal["answered", "refused", "silent"]
    status: int = 0
    body: object = None  # parsed JSON
    why: str = ""  # for a person, when not answered


async def ask(client: "httpx.AsyncClient", url: str, *, seconds: float, **query: str) -> Reply:
    """GET `url` with this query, for `seconds` at most. Never raises for what the other side does."""
    import httpx

    try:
        async with asyncio.timeout(seconds):
            response = await client.get(url, params=query or None)
            return Reply("answered", response.status_code, response.json())
    except TimeoutError:
        return Reply("silent", why=f"{url}: no answer within {seconds:g} s")
    except httpx.HTTPError as error:
        if _was_refused(error):
            return Reply("refused", why=f"{url}: connection refused")
        return Reply("silent", why=f"{url}: {type(error).__name__}: {error}")
    except ValueError:
        return Reply("silent", why=f"{url}: the answer is not JSON")


def _was_refused(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False
