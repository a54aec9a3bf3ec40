"""A loopback HTTP server in the event loop it is opened in, whose connections can be made to fail.

server = Loopback(app)
await server.open()
server.url          # http://127.0.0.1:PORT, which nobody else is given until it is closed
server.refuse()     # from now on connections are refused, as if nobody listened
await server.accept()
"""

import socket
import struct
from asyncio import gather
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Scope

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Loopback:
    """The server of one ASGI app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._server: uvicorn.Server | None = None
        self._place = socket.socket()
        self._port = 0

    @property
    def url(self) -> str:
        """The server's address. Raises RuntimeError before it is opened."""
        if not self._port:
            raise RuntimeError("the server has no address before it is opened")
        return f"http://127.0.0.1:{self._port}"

    async def open(self) -> None:
        """Find a free port and listen on it."""
        # A socket that is bound and never listens keeps the port ours while connections are refused.
        self._reserve(self._place, 0)
        self._port = self._place.getsockname()[1]
        config = uvicorn.Config(
            self._app,
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
        await self.accept()

    async def accept(self) -> None:
        """Listen, if connections were refused before."""
        assert self._server is not None
        listening = socket.socket()
        self._reserve(listening, self._port)
        listening.listen(128)
        # Inherited by every connection. asyncio sets it only on sockets made with an explicit protocol
        # number; without it each request waits 40 ms for a delayed acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._server.startup(sockets=[listening])

    def refuse(self) -> None:
        """Listen no more, and end the connections there are."""
        assert self._server is not None
        for listener in self._server.servers:
            listener.close()
        for connection in tuple(self._server.server_state.connections):
            connection.transport.abort()

    def reset(self, scope: Scope) -> None:
        """End the connection of a request without goodbye: its client sees a reset."""
        for connection in self._connections():
            if connection.transport.get_extra_info("peername")[:2] == tuple(scope["client"]):
                opened = connection.transport.get_extra_info("socket")
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                connection.transport.abort()

    async def close(self) -> None:
        """End everything. What the app was still answering must have been cancelled before."""
        assert self._server is not None
        # Aborted, not closed: a stopped client that reads nothing must not keep us here.
        self.refuse()
        await gather(*self._server.server_state.tasks, return_exceptions=True)
        for listener in self._server.servers:
            await listener.wait_closed()
        self._place.close()

    def _connections(self) -> tuple[Any, ...]:
        assert self._server is not None
        return tuple(self._server.server_state.connections)

    @staticmethod
    def _reserve(place: socket.socket, port: int) -> None:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        place.bind(("127.0.0.1", port))
