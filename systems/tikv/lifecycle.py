"""What both programs do around their work: bind ports, run until a signal, say why they cannot."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NoReturn

from systems.tikv.flags import host_and_port


def bind(program: str, flag: str, address: str) -> socket.socket:
    """Return a socket that is bound and does not listen yet: callers are refused until then.

    Leaves with status 1 and a line that names `flag` when the address cannot be had.
    """
    host, port = host_and_port(address)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
    except OSError as error:
        # A name that cannot be resolved has a number of its own, which is not an errno.
        reason = str(error) if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        stop(program, f"cannot listen on {host}:{port}: {reason}; choose another {flag}")
    return listener


def stop(program: str, reason: str, *, status: int = 1) -> NoReturn:
    """Leave with `status` and one line on stderr."""
    sys.stderr.write(f"{program}: {reason}\n")
    sys.exit(status)


def run_until_signal(work: Callable[[], Awaitable[None]], leave: Callable[[], Awaitable[None]]) -> None:
    """Run `work` until SIGTERM or SIGINT, then `leave` beside it, and end both."""

    async def run() -> None:
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
        working = asyncio.ensure_future(work())
        waiting = asyncio.ensure_future(asked.wait())
        await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await leave()
        await _end([working, waiting])

    asyncio.run(run())


async def _end(tasks: Iterable["asyncio.Future[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    for found in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(found, BaseException) and not isinstance(found, asyncio.CancelledError):
            raise found
