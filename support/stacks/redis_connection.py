"""A connection to Redis that says that it was lost, on every Python."""

from typing import Any

from redis.asyncio import Connection
from redis.exceptions import ConnectionError  # noqa: A004 - not Python's own


class LosableConnection(Connection):
    """Python 3.12 has no answer to writing on a connection that was lost but an AttributeError.

    Source: python/cpython#136234, mended in 3.13.6.
    """

    async def send_packed_command(self, *arguments: Any, **named: Any) -> None:
        try:
            await super().send_packed_command(*arguments, **named)
        except AttributeError as error:
            raise ConnectionError("the connection was lost") from error
