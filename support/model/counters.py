"""What the on-call engineer knows about a rate limiter: where to look, and how to read what it shows.

The API is that of the operator contract: `/api/counters`, `/api/limits`, `/api/nodes`,
`POST /api/counters/{key}/reset`, `PUT /api/limits/{key}`, at `$RATELIMITER_URL`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from support.model.http_shell import client_in, first_look, look_again, request

_COUNTERS = "/api/counters"
_LOOKED_AT = (_COUNTERS, "/api/limits", "/api/nodes")


class Unreadable(Exception):
    """A command did not show what it was run for; the message says what came back instead."""


@dataclass(frozen=True)
class Counter:
    """One counter as a node reports it. A key without requests and limit of its own is not listed at all."""

    key: str
    count: int
    limit: int | None
    remaining: int = 0
    window_ms: int | None = None

    @property
    def ghost(self) -> bool:
        """Whether requests would be allowed although the limit is 0."""
        return self.limit == 0 and self.remaining > 0

    @property
    def over(self) -> bool:
        """Whether more requests are counted than the limit allows."""
        return self.limit is not None and self.count > self.limit


def looking() -> str:
    """The command that shows counters, limits and nodes, with whatever client the machine has."""
    return first_look([_url(path) for path in _LOOKED_AT])


def looking_again(client: str) -> str:
    """The command that shows the counters once more."""
    return look_again(client, _url(_COUNTERS))


def resetting(client: str, key: str) -> str:
    """The command that resets one counter and nothing else."""
    return request(client, "POST", _url(f"{_COUNTERS}/{quote(key, safe='')}/reset"))


def setting_limit(client: str, key: str, limit: int, *, window_ms: int | None = None) -> str:
    """The command that stores the limit of one key; the rate limiter chooses a window that is not given."""
    url = _url(f"/api/limits/{quote(key, safe='')}")
    return request(
        client,
        "PUT",
        url,
        json.dumps({"limit": limit} if window_ms is None else {"limit": limit, "window_ms": window_ms}),
    )


def client_of(output: str) -> str:
    """The HTTP client that `looking` found. Raises `Unreadable` if there is none."""
    client = client_in(_plain(output))
    if client is None:
        raise Unreadable(f"no HTTP client to look with was found. The output: {_excerpt(output)}")
    return client


def counter_in(output: str, key: str) -> Counter:
    """The counter `key` in the output of `looking` or `looking_again`.

    Raises `Unreadable` if the output does not show the counters, or shows this one as broken.
    """
    shown = _shown(output, _COUNTERS).get("counters")
    if not isinstance(shown, list):
        raise Unreadable(f"{_COUNTERS} lists no counters: {_excerpt(output)}")
    for entry in shown:
        if entry.get("key") == key:
            try:
                return Counter(
                    key,
                    int(entry["count"]),
                    int(entry["limit"]),
                    int(entry.get("remaining", 0)),
                    entry.get("window_ms"),
                )
            except (KeyError, TypeError, ValueError) as error:
                raise Unreadable(f"counter {key!r} is shown as {json.dumps(entry)}") from error
    return Counter(key, 0, None)


def nodes_in(output: str) -> str:
    """The nodes and their states in the output of `looking`, in words."""
    return ", ".join(f"{node} {state}" for node, state in states_in(output).items()) or "none listed"


def states_in(output: str) -> dict[str, str]:
    """The states of the nodes in the output of `looking`, by node. Raises `Unreadable`."""
    nodes = _shown(output, "/api/nodes").get("nodes") or []
    return {str(node.get("id")): str(node.get("state")) for node in nodes}


def cleared_in(output: str) -> int:
    """How many requests a reset says it cleared. Raises `Unreadable` if it does not say."""
    try:
        return int(_json(_plain(output))["cleared"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"the reset answered {_excerpt(output)}") from error


def _url(path: str) -> str:
    return f'"${{RATELIMITER_URL%/}}{path}"'


def _shown(output: str, path: str) -> Mapping[str, Any]:
    heading = re.search(rf"^GET \S*{re.escape(path)}\s*$", _plain(output), re.MULTILINE)
    if heading is None:
        raise Unreadable(f"GET {path} was not run. The output: {_excerpt(output)}")
    below = heading.string[heading.end() :].split("\nGET ", 1)[0]
    if "failed: exit status" in below:
        raise Unreadable(f"GET {path} failed: {_excerpt(output)}")
    return _json(below)


def _json(text: str) -> Mapping[str, Any]:
    try:
        value, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
    except ValueError as error:
        raise Unreadable(f"no JSON in {_excerpt(text)}") from error
    assert isinstance(value, dict)
    return value


def _plain(output: str) -> str:
    # Some operators hand the model the output of a command as JSON.
    try:
        wrapped = json.loads(output)
    except ValueError:
        return output
    stdout = wrapped.get("stdout") if isinstance(wrapped, dict) else None
    return stdout if isinstance(stdout, str) else output


def _excerpt(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 200 else "…" + text[-200:])
