"""`python -m systems.ratelimiter`: start one node and stay until SIGTERM or SIGINT."""

import os
import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

from systems.ratelimiter.settings import Settings, read_settings


def main() -> None:
    """Run a node; leave with status 0 after a signal, 1 without a port, 2 for bad settings."""
    # Before what is slow to import, so that a node told to leave at once does so in order. uvicorn
    # takes signals over while it serves, and raises them again for these handlers when it is done.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    settings = read_settings(sys.argv[1:], os.environ)
    listener = _listen(settings)

    from systems.ratelimiter.server import serve

    try:
        serve(settings, listener)
    except ValueError as error:
        _stop(2, f"the Redis URL cannot be used: {error}; give another with --redis or REDIS_URL")


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
        # Every connection inherits it. Without it an answer waits 40 ms for the caller's delayed ACK,
        # and asyncio sets it only on sockets that were made with an explicit protocol.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        # create_server words its errors at length; a name that cannot be resolved has no errno.
        reason = os.strerror(error.errno) if error.errno else str(error)
        _stop(1, f"{settings.node_id}: cannot listen on {where}: {reason}; choose another --port")


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _stop(status: int, reason: str) -> NoReturn:
    sys.stderr.write(reason + "\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
