"""A free port that stays free until the one process it is meant for listens on it."""

import socket
from types import TracebackType
from typing import Self


class ReservedPort:
    """A TCP port of one address that the kernel gives to nobody else, made by `reserve_port`.

    We keep a socket bound to it without listening. With SO_REUSEADDR on both sides, which redis-server,
    uvicorn and asyncio servers set, another socket may be bound to it explicitly and listen, again and again
    (socket(7)); but bind(0) and connect() of strangers do not get it.
    """

    def __init__(self, host: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, 0))
        self.number: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Gives the port up."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def reserve_port(host: str = "127.0.0.1") -> ReservedPort:
    """Reserves a port of `host` for as long as the result is open; use it as a context manager."""
    return ReservedPort(host)
