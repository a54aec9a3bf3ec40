"""The node's one way to Redis: every question has a deadline, every failure is one exception."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError  # noqa: A004 - not Python's own

from systems.redis_connection import LosableConnection

DEADLINE = 0.8
"""Seconds a question to Redis may take, connecting and queueing for a connection included."""

_CONNECTIONS = 32


class RedisUnreachableError(Exception):
    """Redis did not answer as it should; the text says why."""


class RedisLink:
    """Connections to the Redis at `url`.

    Raises ValueError when `url` is malformed. Nothing is connected before the first question.
    """

    def __init__(self, url: str) -> None:
        # No retries: a check whose answer was lost may have been counted, and only the caller
        # knows whether to ask again. RESP2 and no driver_info: a new connection then needs no
        # round trip before its first command. Bytes that are not text, which no rate limiter
        # wrote, are shown as best they can be.
        pool = BlockingConnectionPool.from_url(
            url,
            connection_class=LosableConnection,
            max_connections=_CONNECTIONS,
            timeout=None,
            protocol=2,
            driver_info=None,
            decode_responses=True,
            encoding_errors="replace",
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=None,
        )
        self._redis = Redis(connection_pool=pool)
        self._pool = pool

    @asynccontextmanager
    async def question(self, *, within: float = DEADLINE) -> AsyncIterator[Redis]:
        """Give the client for one question, to be answered `within` seconds.

        Raises RedisUnreachableError when there is no answer in time, or an error for one.
        """
        try:
            async with asyncio.timeout(within):
                yield self._redis
        except TimeoutError as error:
            raise RedisUnreachableError(f"no answer within {within:g} s") from error
        except (RedisError, OSError) as error:
            if isinstance(error, ConnectionError | OSError):
                # What ended this connection has most likely ended the idle ones, and those that were
                # reset do not tell before they are used: no further question shall fail for it.
                await self._pool.disconnect(inuse_connections=False)
            raise RedisUnreachableError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.disconnect(inuse_connections=True)
