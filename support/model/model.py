"""What every model of a bed is: an address for the operator, and a witness of all that was said."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from support.evidence.redaction import Redactor
from support.model.exchange import Exchange, ExchangeLog, masked
from support.model.loopback import Loopback


class Model(ABC):
    """The model double, a replayed model, or the way to the real one: a server in the event loop entering it.

    `evidence` gets a line of JSON for every exchange; `on_exchange` is called with each; `redactor` masks
    what is written to `evidence` (headers with keys are masked everywhere and always).
    """

    def __init__(
        self,
        *,
        evidence: Path | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._log = ExchangeLog(evidence, on_exchange=on_exchange, redactor=redactor)
        self._server = Loopback(self._serve)
        self._unanswered: list[str] = []

    @property
    def url(self) -> str:
        """What the operator is given as `ANTHROPIC_BASE_URL`."""
        return self._server.url

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every request received so far and the answer it got."""
        return self._log.exchanges

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The requests that could not be answered, in words. One is enough to make the bed broken."""
        return tuple(self._unanswered)

    @property
    @abstractmethod
    def substitutes(self) -> tuple[str, ...]:
        """What a verdict has to name: nothing for the real model."""

    @property
    def exhausted(self) -> str | None:
        """Why no more could be asked, so that nothing can be said of the operator; None while it can."""
        return None

    def cost(self) -> dict[str, float]:
        """What it has cost, as measures that name their unit; nothing unless it is the real model."""
        return {}

    async def close(self) -> None:
        """End all connections, and the log."""
        await self._server.close()
        self._log.close()

    async def __aenter__(self) -> Self:
        self._log.open()
        await self._server.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @abstractmethod
    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI app."""

    def _record(
        self,
        request: Request,
        body: Any,
        said: Mapping[str, Any],
        *,
        at: int,
        status: int,
        conversation: str | None,
        path: str | None = None,
        troubled: bool = False,
    ) -> None:
        """Log a request, received `at` (monotonic ns), and the answer that it is about to get."""
        self._log.add(
            Exchange(
                at=at,
                done=time.monotonic_ns(),
                conversation=conversation,
                method=request.method,
                path=path or request.url.path,
                headers=masked(request.headers),
                request=body,
                status=status,
                response=said,
                troubled=troubled,
            )
        )
