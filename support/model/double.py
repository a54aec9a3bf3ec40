"""A stand-in for the model: a loopback server that speaks the Anthropic Messages API and answers by a script.

    async with ModelDouble(on_call_engineer, evidence=bed / "model.ndjson") as double:
        env = {"ANTHROPIC_BASE_URL": double.url, "ANTHROPIC_API_KEY": "dummy"}

It serves in the event loop it is entered in. It speaks the wire of SDK 0.125 to 2.11: plain and streamed
answers, whole histories and continued threads, both headers that carry a key. Every answer says
what it is in the header `x-model-double`.
"""

import inspect
import json
import socket
import time
from asyncio import gather
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import unquote

import anyio
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from support.evidence.redaction import Redactor
from support.model.answer import answer
from support.model.conversation import Conversation, conversation_from
from support.model.exchange import Exchange, masked
from support.model.history import Histories, History
from support.model.script import NoAnswer, Reply, Script
from support.model.wire import ApiError, events, new_id

_NAMED = {"x-model-double": "operator-acceptance"}
_EXCERPT = 300


class ModelDouble:
    """The server, its script and all that it was asked.

    `evidence` gets a line of JSON for every exchange; `on_exchange` is called with each; `redactor` masks
    what is written to `evidence` (headers with keys are masked everywhere and always).
    """

    def __init__(
        self,
        script: Script,
        *,
        evidence: Path | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._script = script
        self._evidence = evidence
        self._on_exchange = on_exchange
        self._redactor = redactor
        self._histories = Histories()
        self._exchanges: list[Exchange] = []
        self._unanswered: list[str] = []
        self._answering: set[anyio.CancelScope] = set()
        self._server: uvicorn.Server | None = None
        self._file: IO[str] | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """What the operator is given as `ANTHROPIC_BASE_URL`."""
        if not self._url:
            raise RuntimeError("the model double has no address before it is entered")
        return self._url

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every request received so far and the answer it got."""
        return tuple(self._exchanges)

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The requests the script had no answer to, in words. One is enough to make the bed broken."""
        return tuple(self._unanswered)

    async def __aenter__(self) -> Self:
        self._open_evidence()
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        # Inherited by every connection. asyncio sets it only on sockets made with an explicit protocol
        # number; without it each request waits 40 ms for a delayed acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            http="h11",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            # An agent may think between two requests for as long as it runs a command.
            timeout_keep_alive=3600,
        )
        config.load()
        # Only the parts of uvicorn's Server that open sockets: its main loop would take the signals of
        # the harness, and its shutdown sleeps.
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[listening])
        host, port = listening.getsockname()
        self._url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        with anyio.CancelScope(shield=True):
            for listener in self._server.servers:
                listener.close()
            for scope in tuple(self._answering):
                scope.cancel()
            # Aborted, not closed: a stopped client that reads nothing must not keep us here.
            for connection in tuple(self._server.server_state.connections):
                connection.transport.abort()
            await gather(*self._server.server_state.tasks, return_exceptions=True)
            for listener in self._server.servers:
                await listener.wait_closed()
        if self._file is not None:
            self._file.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        at = time.monotonic_ns()
        request = Request(scope, receive)
        try:
            body: Any = await request.body()
        except ClientDisconnect:
            return
        path = unquote(scope["path"])
        if scope["query_string"]:
            path += "?" + scope["query_string"].decode("latin-1")
        conversation: str | None = None
        streamed = False
        try:
            body = _json(body)
            _check_addressed(request)
            history, heard = self._read(body)
            conversation = heard.id
            said = await self._answer(history, heard)
            status, streamed = 200, body.get("stream") is True
        except ApiError as error:
            status, said = error.status, error.body(new_id("req"))
            if isinstance(error, _UnansweredError):
                self._unanswered.append(error.message)
        self._record(
            Exchange(
                at=at,
                done=time.monotonic_ns(),
                conversation=conversation,
                method=request.method,
                path=path,
                headers=masked(request.headers),
                request=body if not isinstance(body, bytes) else body.decode(errors="replace"),
                status=status,
                response=said,
            )
        )
        headers = {**_NAMED, "request-id": said.get("request_id") or new_id("req")}
        response: Response = JSONResponse(said, status, headers)
        if streamed:
            response = StreamingResponse(_stream(said), 200, headers, "text/event-stream")
        await response(scope, receive, send)

    def _read(self, body: Mapping[str, Any]) -> tuple[History, Conversation]:
        try:
            history = self._histories.of(body)
            return history, conversation_from(
                name=history.conversation,
                model=body["model"],
                system=history.system,
                tools=history.tools,
                messages=history.messages,
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ApiError(400, "invalid_request_error", f"malformed request: {error!r}") from error

    async def _answer(self, history: History, conversation: Conversation) -> dict[str, Any]:
        try:
            reply = await self._reply(conversation)
            whole = answer(reply, conversation, history.messages)
        except NoAnswer as reason:
            raise self._unanswered_error(str(reason), conversation) from reason
        except ApiError:
            raise
        except Exception as error:  # a defect of the script must not look like the operator's
            raise self._unanswered_error(f"it failed with {error!r}", conversation) from error
        self._histories.add(history, whole)
        return whole

    def _unanswered_error(self, reason: str, conversation: Conversation) -> "_UnansweredError":
        heard = conversation.last_heard
        excerpt = heard if len(heard) <= _EXCERPT else heard[:_EXCERPT] + "…"
        name = getattr(self._script, "__name__", repr(self._script))
        where = f" All requests: {self._evidence}" if self._evidence else ""
        # Status 400, because no SDK sends such a request again.
        return _UnansweredError(
            400,
            "invalid_request_error",
            f"The script {name!r} of the model double has no answer: {reason}. {conversation.id}, turn "
            f"{len(conversation.turns) + 1}, asked: {excerpt!r}.{where}",
        )

    async def _reply(self, conversation: Conversation) -> Reply:
        with anyio.CancelScope() as scope:
            self._answering.add(scope)
            try:
                reply = self._script(conversation)
                return await reply if inspect.isawaitable(reply) else reply
            finally:
                self._answering.discard(scope)
        raise ApiError(503, "api_error", "The model double was closed before its script answered")

    def _open_evidence(self) -> None:
        if self._evidence is not None:
            self._evidence.parent.mkdir(parents=True, exist_ok=True)
            # Half a surrogate pair has no UTF-8; written as `\udXXX` it is what JSON calls it.
            self._file = self._evidence.open("a", encoding="utf-8", errors="backslashreplace")

    def _record(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)
        if self._file is not None:
            line = exchange.line()
            if self._redactor is not None:
                line = self._redactor.text(line, "model double")
            self._file.write(line + "\n")
            self._file.flush()
        if self._on_exchange is not None:
            self._on_exchange(exchange)


class _UnansweredError(ApiError):
    """A request that neither the script nor the double itself has an answer to."""


def _json(body: bytes) -> Any:
    # What is not JSON is kept as it came, for the record.
    try:
        return json.loads(body)
    except ValueError:
        return body


def _check_addressed(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = scheme.lower() == "bearer" and token.strip()
    if not bearer and not request.headers.get("x-api-key"):
        raise ApiError(401, "authentication_error", "x-api-key header is required")
    if (request.method, request.url.path) != ("POST", "/v1/messages"):
        raise _UnansweredError(
            404,
            "not_found_error",
            f"The model double has no {request.method} {request.url.path}: it speaks POST /v1/messages only",
        )


async def _stream(whole: Mapping[str, Any]) -> AsyncIterator[bytes]:
    for event in events(whole):
        yield event
