"""A connection to Redis that was lost under the hands of whoever writes on it."""

import pytest
import redis.exceptions

from support.stacks.redis_connection import LosableConnection as OfTheSuite
from systems.redis_connection import LosableConnection

pytestmark = pytest.mark.anyio


class LostWriter:
    """What asyncio's writer is in Python 3.12 once its connection was lost."""

    def writelines(self, lines):
        raise AttributeError("'NoneType' object has no attribute '_add_writer'")

    def close(self):
        pass


@pytest.mark.parametrize("kind", [LosableConnection, OfTheSuite])
async def test_writing_on_a_lost_connection_is_an_error_of_the_connection(kind):
    connection = kind()
    connection._reader, connection._writer = object(), LostWriter()
    with pytest.raises(redis.exceptions.ConnectionError, match="the connection was lost"):
        await connection.send_packed_command([b"PING"])
