"""The record of one request to the model and the answer it got, and the log of all of them: evidence."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Self

from support.evidence.redaction import Redactor

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
    troubled: bool = False
    """Whether something happened to the answer on its way, so that it counts as never given."""

    def line(self) -> str:
        """The exchange as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


class ExchangeLog:
    """The exchanges of one server: in memory, and a line of JSON each in `path`, masked by `redactor`."""

    def __init__(
        self,
        path: Path | None,
        *,
        on_exchange: Callable[[Exchange], None] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.path = path
        self._on_exchange = on_exchange
        self._redactor = redactor
        self._exchanges: list[Exchange] = []
        self._file: IO[str] | None = None

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every exchange so far."""
        return tuple(self._exchanges)

    def open(self) -> Self:
        """Open the file, if there is to be one."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Half a surrogate pair has no UTF-8; written as `\udXXX` it is what JSON calls it.
            self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
        return self

    def add(self, exchange: Exchange) -> None:
        """Record an exchange; it is on disk when this returns."""
        self._exchanges.append(exchange)
        if self._file is not None:
            line = exchange.line()
            if self._redactor is not None:
                line = self._redactor.text(line, "request to the model")
            self._file.write(line + "\n")
            self._file.flush()
        if self._on_exchange is not None:
            self._on_exchange(exchange)

    def close(self) -> None:
        """Close the file; the exchanges stay readable."""
        if self._file is not None:
            self._file.close()


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with the value of those that carry a key replaced by `*` of the same length."""
    return {
        name: _masked(value) if name.lower() in _SECRET_HEADERS else value for name, value in headers.items()
    }


def _masked(value: str) -> str:
    scheme, space, key = value.rpartition(" ")
    return scheme + space + "*" * len(key)
