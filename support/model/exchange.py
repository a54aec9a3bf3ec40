"""The record of one request to the model double and the answer it got: a line of evidence."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_SECRET_HEADERS = ("authorization", "x-api-key")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its answer; `at` and `done` are monotonic nanoseconds.

    `done` is when the answer was handed over to be sent: the record is written first, so what an operator
    does upon an answer always comes after the answer's line. A streamed answer is recorded whole.
    """

    at: int
    done: int
    conversation: str | None
    method: str
    path: str
    headers: Mapping[str, str]
    request: Any
    """The body as JSON, or the text that was no JSON."""
    status: int
    response: Mapping[str, Any]

    def line(self) -> str:
        """The exchange as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with the value of those that carry a key replaced by `*` of the same length."""
    return {
        name: _masked(value) if name.lower() in _SECRET_HEADERS else value for name, value in headers.items()
    }


def _masked(value: str) -> str:
    scheme, space, key = value.rpartition(" ")
    return scheme + space + "*" * len(key)
