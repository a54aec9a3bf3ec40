"""How nodes ask each other: HTTP/1.1 over connections that are kept."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11


class UnreachableError(Exception):
    """A node did not answer, or not in time; the text says which and why."""


@dataclass(frozen=True)
class Answer:
    """What a node answered."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def json(self) -> dict[str, object]:
        """Return the body, a JSON object; raises UnreachableError when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UnreachableError(f"an answer that is no JSON object: {self.body[:80]!r}")
        return found


class HttpClient:
    """Asks other nodes. Nothing is asked twice: what was lost is lost, and the caller knows best."""

    def __init__(self) -> None:
        self._idle: defaultdict[tuple[str, int], list[_Connection]] = defaultdict(list)

    async def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        within: float | None,
        keep: bool = True,
    ) -> Answer:
        """Return the answer of `url`, whatever its status.

        `within` seconds, or for as long as it takes when None; `keep` false takes a connection of
        its own. Raises UnreachableError.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        wanted = {"Host": parts.netloc, **(headers or {})}
        if body or method != "GET":
            wanted["Content-Length"] = str(len(body))
        if not keep:
            wanted["Connection"] = "close"
        try:
            async with asyncio.timeout(within):
                connection = await self._connection(host, port, keep=keep)
                try:
                    answer = await connection.ask(method, target, wanted, body)
                except BaseException:
                    connection.close()
                    raise
        except TimeoutError as error:
            raise UnreachableError(f"{parts.netloc}: no answer within {within:g} s") from error
        except (OSError, h11.ProtocolError) as error:
            raise UnreachableError(f"{parts.netloc}: {error}") from error
        if keep and connection.reusable:
            self._idle[host, port].append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the connections that are kept."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _connection(self, host: str, port: int, *, keep: bool) -> "_Connection":
        idle = self._idle[host, port]
        while keep and idle:
            connection = idle.pop()
            if connection.reusable:
                return connection
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, host, port)
        return connection


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT)
        self._answer: asyncio.Future[Answer] | None = None
        self._head: h11.Response | None = None
        self._body = bytearray()
        self._lost = False

    @property
    def reusable(self) -> bool:
        return not self._lost and self._http.our_state is h11.IDLE

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self._answer = asyncio.get_running_loop().create_future()
        self._head, self._body = None, bytearray()
        request = h11.Request(method=method, target=target, headers=list(headers.items()))
        events: list[h11.Event] = [request]
        if body:
            events.append(h11.Data(data=body))
        events.append(h11.EndOfMessage())
        self._transport.write(b"".join(self._http.send(event) or b"" for event in events))
        answer = await self._answer
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return answer

    def close(self) -> None:
        self._lost = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._receive(data)
        except h11.RemoteProtocolError as error:
            self._fail(error)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self._fail(error or ConnectionResetError("the connection was closed before the answer"))

    def _receive(self, data: bytes) -> None:
        self._http.receive_data(data)
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Response):
                self._head = event
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._finish()
                return
            elif not isinstance(event, h11.InformationalResponse):
                return

    def _finish(self) -> None:
        assert self._head is not None
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._head.headers]
        if self._answer and not self._answer.done():
            self._answer.set_result(Answer(self._head.status_code, headers, bytes(self._body)))

    def _fail(self, error: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)
