"""A TCP proxy of the suite's own between two parties, so that a fault can get between them without a restart.

    async with Link("ratelimiter-1 to redis", to=6379) as link:
        ...  # whoever shall pass through it connects to 127.0.0.1, port `link.port`
        await link.cut(hanging=True)

A link that is whole passes every byte on as it comes. It runs in the event loop it was entered in.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

from support.supervisor import reserve_port

State = Literal["whole", "refusing", "hanging", "slow", "diverted"]

End = tuple[str, int]
"""Address and port of one side of a connection."""

Barred = Callable[[Collection[End]], Awaitable[Collection[End]]]
"""Tells which of these other sides are barred."""

_HOST = "127.0.0.1"
_BACKLOG = 2048
_ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER on and 0 s: closing sends a reset, see socket(7)."""


class Link:
    """One way from whoever connects to it to port `to` of 127.0.0.1; it has a port of its own for life.

    It is reached at `host`, an address of this machine. A connection that finds nobody listening beyond it is
    reset.
    """

    def __init__(self, name: str, *, to: int, host: str = _HOST) -> None:
        self.name = name
        self.host = host
        self._to = to
        self._reserved = reserve_port(host)
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._hanging = False
        self._delay = 0.0
        self._divert: tuple[int, Callable[[], bool]] | None = None
        self._barred: Barred | None = None
        self._unjudged: list[_Pair] = []
        self._judging: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port to connect to."""
        return self._reserved.number

    @property
    def state(self) -> State:
        """What the link does to traffic at this moment; `whole` is nothing at all."""
        if self._server is None:
            return "refusing"
        if self._hanging:
            return "hanging"
        if self._diverted_to() is not None:
            return "diverted"
        return "slow" if self._delay else "whole"

    async def cut(self, *, hanging: bool) -> None:
        """Let nothing pass any more.

        `hanging`: connections, old and new, stay open and silent, as when packets are lost. Otherwise the
        old ones are reset and new ones are refused, as when a firewall rejects them.
        """
        if hanging:
            self._hanging = True
            for pair in self._pairs:
                pair.hold()
        else:
            await self._close_listener()
            self.reset()

    def slow_down(self, seconds: float) -> None:
        """Pass everything on so many seconds later, in both directions."""
        self._delay = seconds

    def reset(self) -> None:
        """Reset the connections there are; new ones pass."""
        for pair in tuple(self._pairs):
            pair.abort()

    async def bar(self, barred: Barred | None) -> None:
        """Reset connections, the old ones and new ones, from the ends that are barred; None bars nobody.

        New ones are judged together, as many as have come since the last time: however fast they come,
        there is time for everything else between two judgements.
        """
        self._barred = barred
        if barred is not None:
            await self._judge(list(self._pairs), barred)

    def divert(self, to: int, *, as_long_as: Callable[[], bool]) -> None:
        """Close the connections there are, and lead new ones to another port while the condition holds."""
        self._divert = (to, as_long_as)
        self._close_all()

    async def heal(self) -> None:
        """Be whole again. What hung goes on, as it does when lost packets are sent again."""
        self._delay = 0.0
        self._barred = None
        if self._diverted_to() is not None:
            self._close_all()
        self._divert = None
        self._hanging = False
        for pair in tuple(self._pairs):
            pair.go_on()
        if self._server is None:
            await self._listen()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close_listener()
        self._barred = None
        self.reset()
        if self._judging is not None:
            await self._judging
        self._reserved.close()

    async def _listen(self) -> None:
        listening = socket.create_server((self.host, self.port), backlog=_BACKLOG)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Pair(self).near, sock=listening)

    async def _close_listener(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _close_all(self) -> None:
        for pair in tuple(self._pairs):
            pair.close()

    def _diverted_to(self) -> int | None:
        if self._divert is None:
            return None
        to, as_long_as = self._divert
        return to if as_long_as() else None

    def _began(self, pair: "_Pair") -> None:
        self._pairs.add(pair)
        if self._barred is not None:
            self._unjudged.append(pair)
            if self._judging is None:
                self._judging = asyncio.get_running_loop().create_task(self._judge_new())
        elif not self._hanging:
            pair.go_on()

    async def _judge_new(self) -> None:
        try:
            while self._unjudged:
                pairs, self._unjudged = self._unjudged, []
                if self._barred is not None:
                    await self._judge(pairs, self._barred)
                for pair in pairs:
                    if pair in self._pairs and not self._hanging:
                        pair.go_on()
        finally:
            self._judging = None

    async def _judge(self, pairs: "list[_Pair]", barred: Barred) -> None:
        """Reset those that are barred."""
        out = await barred([pair.near.source for pair in pairs])
        for pair in pairs:
            if pair.near.source in out:
                pair.abort()

    def _ended(self, pair: "_Pair") -> None:
        self._pairs.discard(pair)


class _Pair:
    """One connection through a link: the end near the caller, and the far one once it is made."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.near = _End(self)
        self.far = _End(self)
        self._connecting: asyncio.Task[None] | None = None

    def go_on(self) -> None:
        """Connect to the far side, or let data flow again."""
        if self.far.transport is not None:
            self.near.flow()
            self.far.flow()
        elif self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def hold(self) -> None:
        """Let data pile up on both sides."""
        self.near.hold()
        self.far.hold()

    def abort(self) -> None:
        """Reset both connections."""
        self.link._ended(self)
        if self._connecting is not None:
            self._connecting.cancel()
        self.near.abort()
        self.far.abort()

    def close(self) -> None:
        """Close both connections once what is on its way has been sent."""
        for end in (self.near, self.far):
            if end.transport is not None:
                end.transport.close()

    async def _connect(self) -> None:
        to = self.link._diverted_to() or self.link._to
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.far, _HOST, to)
        except OSError:
            self.abort()
            return
        if not self.link._hanging:
            self.near.flow()

    def other(self, end: "_End") -> "_End":
        return self.far if end is self.near else self.near


class _End(asyncio.Protocol):
    """One of the two connections of a pair; what it receives goes out at the other end."""

    def __init__(self, pair: _Pair) -> None:
        self._pair = pair
        self.transport: asyncio.Transport | None = None
        self.source: End = ("", 0)
        """Address and port at the other side of this connection."""
        self._late: deque[tuple[float, bytes | None]] = deque()
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.source = transport.get_extra_info("peername")[:2]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self is self._pair.near:
            transport.pause_reading()  # until there is somewhere to write to
            self._pair.link._began(self._pair)

    def data_received(self, data: bytes) -> None:
        self._pass(data)

    def eof_received(self) -> bool:
        self._pass(None)
        return True  # the other direction stays open

    def connection_lost(self, error: Exception | None) -> None:
        pair = self._pair
        if error is not None:
            pair.abort()
        else:
            pair.link._ended(pair)
            other = pair.other(self).transport
            if other is not None:
                other.close()
            else:
                pair.abort()

    def pause_writing(self) -> None:
        self._pair.other(self).hold()

    def resume_writing(self) -> None:
        if not self._pair.link._hanging:
            self._pair.other(self).flow()

    def hold(self) -> None:
        if self.transport is not None:
            self.transport.pause_reading()

    def flow(self) -> None:
        if self.transport is not None:
            self.transport.resume_reading()

    def abort(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            with suppress(OSError):
                self.transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _ABORT
                )
            self.transport.abort()

    def _pass(self, data: bytes | None) -> None:
        delay = self._pair.link._delay
        if not delay and not self._late:
            self._write(data)
            return
        loop = asyncio.get_running_loop()
        self._late.append((loop.time() + delay, data))
        if len(self._late) == 1:
            loop.call_later(delay, self._write_late)

    def _write_late(self) -> None:
        loop = asyncio.get_running_loop()
        while self._late and self._late[0][0] <= loop.time():
            self._write(self._late.popleft()[1])
        if self._late:
            loop.call_at(self._late[0][0], self._write_late)

    def _write(self, data: bytes | None) -> None:
        other = self._pair.other(self).transport
        if other is None or other.is_closing():
            return
        if data is not None:
            other.write(data)
            return
        self._ended = True
        if self._pair.other(self)._ended:
            self._pair.close()
        else:
            other.write_eof()
