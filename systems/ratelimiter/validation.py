"""What a request may ask: keys and limits read from paths and bodies, or refused in words."""

import json
from dataclasses import dataclass

from starlette.requests import Request

MAX_LIMIT = 1_000_000_000
MAX_WINDOW_MS = 31 * 24 * 3_600_000
_MAX_KEY_BYTES = 512


class InvalidRequestError(Exception):
    """The request cannot be understood; the text tells its sender why."""


@dataclass(frozen=True)
class Asked:
    """What a body asked for; None where it was silent. `window_ms` is in ms."""

    limit: int | None
    window_ms: int | None


def valid_key(key: object) -> str:
    """Return `key` when it can name a counter; raises InvalidRequestError.

    The key `limit`, and those that begin with `limit:` or end with `:seq`, are refused: in Redis
    they would share a name with the limit or the sequence of another key.
    """
    if not isinstance(key, str) or not key:
        raise InvalidRequestError(f"key must be a text that is not empty, not {_shown(key)}")
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise InvalidRequestError("key must be valid Unicode; this one holds half a surrogate pair") from None
    if size > _MAX_KEY_BYTES:
        raise InvalidRequestError(f"key must be at most {_MAX_KEY_BYTES} bytes, this one is {size}")
    if any(character < " " or character == "\x7f" for character in key):
        raise InvalidRequestError("key must not hold control characters")
    if key == "limit" or key.startswith("limit:") or key.endswith(":seq"):
        raise InvalidRequestError(
            "key must not be 'limit', begin with 'limit:' or end with ':seq': these are reserved"
        )
    return key


async def read_check(request: Request) -> tuple[str, Asked]:
    """Return the key and the limit that a check's body brings; raises InvalidRequestError."""
    body = await _body(request)
    return valid_key(body.get("key")), _asked(body)


async def read_limit(request: Request) -> Asked:
    """Return the window of a body and the limit it must bring; raises InvalidRequestError."""
    asked = _asked(await _body(request))
    if asked.limit is None:
        raise InvalidRequestError("limit is missing: how many requests are allowed in one window")
    return asked


async def _body(request: Request) -> dict[str, object]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise InvalidRequestError("the body must be a JSON object; this is no JSON") from None
    if not isinstance(body, dict):
        raise InvalidRequestError(f"the body must be a JSON object, not {_shown(body)}")
    return body


def _asked(body: dict[str, object]) -> Asked:
    return Asked(
        limit=_whole(body, "limit", least=0, most=MAX_LIMIT),
        window_ms=_whole(body, "window_ms", least=1, most=MAX_WINDOW_MS),
    )


def _whole(body: dict[str, object], name: str, *, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    # A bool is an int to Python, and to nobody else.
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidRequestError(
            f"{name} must be a whole number from {least} to {most}, not {_shown(value)}"
        )
    return value


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:40] + "…"
