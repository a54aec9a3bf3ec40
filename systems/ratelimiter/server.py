"""One node from its listening socket to its last answer."""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.applications import Starlette

from systems.ratelimiter.api import make_app
from systems.ratelimiter.limiter import Limiter
from systems.ratelimiter.members import Membership
from systems.ratelimiter.metrics import CheckMetrics
from systems.ratelimiter.redis_link import RedisLink, RedisUnreachableError
from systems.ratelimiter.settings import Settings

# Seconds that requests under way may take after a signal, so that a node leaves within a second.
_GRACE = 0.4


def serve(settings: Settings, listener: socket.socket) -> None:
    """Answer on `listener` until SIGTERM or SIGINT.

    Raises ValueError when the Redis URL is malformed.
    """
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {settings.node_id} %(message)s")
    host, port = listener.getsockname()[:2]
    # Others cannot reach a wildcard address; they can reach the machine by its name.
    reachable = socket.gethostname() if host in ("0.0.0.0", "::") else host
    address = f"[{reachable}]:{port}" if ":" in reachable else f"{reachable}:{port}"

    link = RedisLink(settings.redis_url)
    membership = Membership(
        link,
        node_id=settings.node_id,
        address=settings.advertise or address,
        heartbeat=settings.heartbeat,
        ttl=settings.node_ttl,
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        ready = f"{settings.node_id} ready on http://{address}"
        try:
            await membership.register()
        except RedisUnreachableError as error:
            ready += f" without Redis, refusing every request until it is back: {error}"
        # The listener has been accepting connections since before this; they were kept waiting.
        sys.stdout.write(ready + "\n")
        sys.stdout.flush()
        heartbeat = asyncio.create_task(membership.keep_registered())
        try:
            yield
        finally:
            heartbeat.cancel()
            with suppress(asyncio.CancelledError):
                await heartbeat
            with suppress(RedisUnreachableError):
                await membership.leave()
            await link.close()

    app = make_app(
        node_id=settings.node_id,
        link=link,
        limiter=Limiter(link),
        membership=membership,
        metrics=CheckMetrics(settings.node_id),
        lifespan=lifespan,
    )
    config = uvicorn.Config(
        app,
        # Named, so that nothing is searched for: looking for faster ones costs start-up time.
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # uvicorn's hint says int; asyncio.wait_for, which gets it, takes fractions of a second.
        timeout_graceful_shutdown=_GRACE,  # type: ignore[arg-type]
    )
    uvicorn.Server(config).run(sockets=[listener])
