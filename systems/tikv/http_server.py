"""HTTP/1.1 for listening sockets: h11 does the protocol, asyncio the bytes.

A node listens on two ports and must start fast and idle cheaply, which is why this is not an
application server.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

import h11

MAX_BODY = 64 * 1024 * 1024
"""Bytes a request may bring: the whole of a region, sent to a store that fell behind, must fit."""


@dataclass(frozen=True)
class Request:
    """One request. `path` is as it was sent, still quoted; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    target: str

    def json(self) -> dict[str, object]:
        """Return the body, a JSON object; raises ValueError when it is none."""
        found = json.loads(self.body)
        if not isinstance(found, dict):
            raise ValueError("the body must be a JSON object")
        return found


@dataclass(frozen=True)
class Response:
    """One answer; `content_type` may be empty when there is no body."""

    status: int = 200
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Answers on one listening socket for as long as the `async with` block lasts."""

    def __init__(self, listener: socket.socket, handler: Handler) -> None:
        self._listener = listener
        self._handler = handler
        self._connections: set[_Connection] = set()

    async def __aenter__(self) -> "HttpServer":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._handler, self._connections), sock=self._listener, backlog=512
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.abort()


class _Connection(asyncio.Protocol):
    def __init__(self, handler: Handler, connections: "set[_Connection]") -> None:
        self._handler = handler
        self._connections = connections
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._answer: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        # Nobody waits for the answer any more; one that is being proxied may never come.
        if self._answer:
            self._answer.cancel()

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._advance()

    def _advance(self) -> None:
        try:
            while not self._answer:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    if self._http.they_are_waiting_for_100_continue:
                        self._send(h11.InformationalResponse(status_code=100, headers=[]))
                    return
                if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                    return
                if isinstance(event, h11.Request):
                    self._head = event
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > MAX_BODY:
                        raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
                elif isinstance(event, h11.EndOfMessage):
                    request = self._request()
                    self._answer = asyncio.get_running_loop().create_task(self._respond(request))
        except h11.RemoteProtocolError as error:
            if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                text = f"{error.error_status_hint} {HTTPStatus(error.error_status_hint).phrase}: {error}"
                self._write(Response(error.error_status_hint, text.encode(), "text/plain; charset=utf-8"))
            self._transport.close()

    def _request(self) -> Request:
        assert self._head is not None
        target = self._head.target.decode("latin-1")
        parts = urlsplit(target)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._head.headers}
        body = bytes(self._body)
        self._body.clear()
        query = parse_qs(parts.query, keep_blank_values=True)
        return Request(self._head.method.decode("latin-1"), parts.path, query, headers, body, target)

    async def _respond(self, request: Request) -> None:
        try:
            response = await self._handler(request)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            headers = {"Connection": "close"}
            self._write(Response(500, text.encode(), "text/plain; charset=utf-8", headers))
            self._transport.close()
            raise
        self._write(response)
        self._answer = None
        if self._http.our_state is h11.MUST_CLOSE:
            self._transport.close()
        else:
            self._http.start_next_cycle()
            self._advance()

    def _write(self, response: Response) -> None:
        headers = [("Content-Length", str(len(response.body))), *response.headers.items()]
        if response.content_type:
            headers.append(("Content-Type", response.content_type))
        head = h11.Response(
            status_code=response.status, headers=headers, reason=HTTPStatus(response.status).phrase
        )
        events: list[h11.Event] = [head]
        if response.body and (self._head is None or self._head.method != b"HEAD"):
            events.append(h11.Data(data=response.body))
        self._send(*events, h11.EndOfMessage())

    def _send(self, *events: h11.Event) -> None:
        self._transport.write(b"".join(self._http.send(event) or b"" for event in events))


def unquoted(segment: str) -> str:
    """Return one path segment as text; raises ValueError when it is not UTF-8."""
    return unquote(segment, errors="strict")
