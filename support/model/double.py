"""A stand-in for the model: a loopback server that speaks the Anthropic Messages API and answers by a script.

    async with ModelDouble(on_call_engineer, evidence=bed / "model.ndjson") as double:
        env = {"ANTHROPIC_BASE_URL": double.url, "ANTHROPIC_API_KEY": "dummy"}

It serves in the event loop it is entered in. It speaks the wire of SDK 0.125 to 2.11: plain and streamed
answers, whole histories and continued threads, both headers that carry a key. Every answer says
what it is in the header `x-model-double`.
"""

import inspect
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from support.evidence.redaction import Redactor
from support.model.answer import answer
from support.model.conversation import Conversation, conversation_from
from support.model.exchange import Exchange
from support.model.history import Histories, History
from support.model.model import Model
from support.model.script import Answer, NoAnswer, Script, Troubled
from support.model.trouble import Trouble, Wire
from support.model.wire import ApiError, events, new_id

_NAMED = {"x-model-double": "operator-acceptance"}
_EXCERPT = 300


class ModelDouble(Model):
    """The server, its script and all that it was asked. `script` may be changed at any time."""

    def __init__(
        self,
        script: Script,
        *,
        evidence: Path | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        super().__init__(evidence=evidence, on_exchange=on_exchange, redactor=redactor)
        self.script = script
        self._histories = Histories()
        self._answering: set[anyio.CancelScope] = set()

    @property
    def substitutes(self) -> tuple[str, ...]:
        return ("model double",)

    async def close(self) -> None:
        with anyio.CancelScope(shield=True):
            for scope in tuple(self._answering):
                scope.cancel()
            await super().close()

    def refuse_connections(self) -> None:
        """Answer nobody any more, as if the model's server were not there."""
        self._server.refuse()

    async def accept_connections(self) -> None:
        """Be there again."""
        await self._server.accept()

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
        trouble: Trouble | None = None
        streamed = False
        try:
            body = _json(body)
            _check_addressed(request)
            history, heard = self._read(body)
            conversation = heard.id
            said, trouble = await self._answer(history, heard)
            status, streamed = 200, body.get("stream") is True
            if trouble is not None and trouble.error is not None:
                raise trouble.error
        except ApiError as error:
            status, said = error.status, error.body(new_id("req"))
            if isinstance(error, _UnansweredError):
                self._unanswered.append(error.message)
        self._record(
            request,
            body if not isinstance(body, bytes) else body.decode(errors="replace"),
            said,
            at=at,
            status=status,
            conversation=conversation,
            path=path,
            troubled=trouble is not None,
        )
        headers = {**_NAMED, "request-id": said.get("request_id") or new_id("req")}
        if trouble is not None:
            await self._have_happen(trouble, said, streamed=streamed, scope=scope, send=send)
            return
        response: Response = JSONResponse(said, status, headers)
        if streamed:
            response = StreamingResponse(_stream(said), 200, headers, "text/event-stream")
        await response(scope, receive, send)

    async def _have_happen(
        self, trouble: Trouble, said: Mapping[str, Any], *, streamed: bool, scope: Scope, send: Send
    ) -> None:
        wire = Wire(
            send=send,
            reset=lambda: self._server.reset(scope),
            content_type="text/event-stream" if streamed else "application/json",
            body=b"".join(events(said)) if streamed else json.dumps(said).encode(),
        )
        with anyio.CancelScope() as happening:
            self._answering.add(happening)
            try:
                await trouble.happen(wire)
            finally:
                self._answering.discard(happening)

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

    async def _answer(
        self, history: History, conversation: Conversation
    ) -> tuple[dict[str, Any], Trouble | None]:
        try:
            given = await self._reply(conversation)
            reply, trouble = (given.reply, given.trouble) if isinstance(given, Troubled) else (given, None)
            whole = answer(reply, conversation, history.messages)
        except NoAnswer as reason:
            raise self._unanswered_error(str(reason), conversation) from reason
        except ApiError:
            raise
        except Exception as error:  # a defect of the script must not look like the operator's
            raise self._unanswered_error(f"it failed with {error!r}", conversation) from error
        if trouble is None:
            self._histories.add(history, whole)
        return whole, trouble

    def _unanswered_error(self, reason: str, conversation: Conversation) -> "_UnansweredError":
        heard = conversation.last_heard
        excerpt = heard if len(heard) <= _EXCERPT else heard[:_EXCERPT] + "…"
        name = getattr(self.script, "__name__", repr(self.script))
        where = f" All requests: {self._log.path}" if self._log.path else ""
        # Status 400, because no SDK sends such a request again.
        return _UnansweredError(
            400,
            "invalid_request_error",
            f"The script {name!r} of the model double has no answer: {reason}. {conversation.id}, turn "
            f"{len(conversation.turns) + 1}, asked: {excerpt!r}.{where}",
        )

    async def _reply(self, conversation: Conversation) -> Answer:
        with anyio.CancelScope() as scope:
            self._answering.add(scope)
            try:
                reply = self.script(conversation)
                return await reply if inspect.isawaitable(reply) else reply
            finally:
                self._answering.discard(scope)
        raise ApiError(503, "api_error", "The model double was closed before its script answered")


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
