"""How Go writes what PD answers: JSON, sizes, durations, times, errors."""

import json
from datetime import UTC, datetime

from systems.tikv.http_server import Response

_JSON = "application/json; charset=UTF-8"
_SECOND = 1_000_000_000


def indented(found: object, status: int = 200) -> Response:
    """Return what PD's renderer makes of nearly everything: two spaces and a line's end."""
    text = json.dumps(_plain(found), indent=2, ensure_ascii=False) + "\n"
    return Response(status, text.encode(), _JSON)


def compact(found: object) -> Response:
    """Return what PD makes of regions."""
    return Response(200, json.dumps(_plain(found), separators=(",", ":")).encode(), _JSON)


def plain_error(text: str, status: int) -> Response:
    """Return what Go's `http.Error` makes of `text`: what the redirector and the router answer."""
    headers = {"X-Content-Type-Options": "nosniff"}
    return Response(status, f"{text}\n".encode(), "text/plain; charset=utf-8", headers)


def byte_size(count: float) -> str:
    """Return a size with binary units and four digits, `183.1GiB` (docker/go-units, BytesSize)."""
    units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while count >= 1024 and len(units) > 1:
        count /= 1024
        units.pop(0)
    return f"{count:.4g}{units[0]}"


def duration(nanoseconds: int) -> str:
    """Return a Go duration, `2m3.456789012s`."""
    if nanoseconds < 1000:
        return f"{nanoseconds}ns" if nanoseconds else "0s"
    if nanoseconds < 1_000_000:
        return f"{_trimmed(nanoseconds, 1000)}µs"
    if nanoseconds < _SECOND:
        return f"{_trimmed(nanoseconds, 1_000_000)}ms"
    minutes, rest = divmod(nanoseconds, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    text = f"{_trimmed(rest, _SECOND)}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def timestamp(nanoseconds: int) -> str:
    """Return a time since 1970 as RFC 3339 with as many digits as it needs."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{rest:09d}".rstrip("0") if rest else "") + "Z"


def _trimmed(count: int, unit: int) -> str:
    whole, rest = divmod(count, unit)
    digits = len(str(unit)) - 1
    return f"{whole}" + (f".{rest:0{digits}d}".rstrip("0") if rest else "")


def _plain(found: object) -> object:
    """Go writes a float that is whole without a point."""
    if isinstance(found, dict):
        return {name: _plain(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return [_plain(value) for value in found]
    if isinstance(found, float) and found.is_integer():
        return int(found)
    return found
