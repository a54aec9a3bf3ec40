"""Redis goes away and comes back: deadlines hold, answers stay with their questions."""

import asyncio
import socket
import struct
from contextlib import closing, suppress

import anyio
import pytest

from systems.ratelimiter.redis_link import RedisLink, RedisUnreachableError

pytestmark = pytest.mark.anyio


async def _echo(link: RedisLink, text: str) -> str:
    async with link.question() as redis:
        return await redis.echo(text)


async def test_a_paused_redis_is_given_up_within_the_deadline(link, redis_server):
    await _echo(link, "connected")
    redis_server.pause()
    # Without a deadline the question would last until the end of the test, and this fails.
    with anyio.fail_after(20):
        with pytest.raises(RedisUnreachableError, match=r"^no answer within 0\.8 s$"):
            await _echo(link, "anyone?")
    redis_server.resume()


async def test_answers_that_come_late_are_not_given_to_other_questions(link, redis_server):
    async def ask(text: str) -> None:
        try:
            assert await _echo(link, text) == text
        except RedisUnreachableError:
            unanswered.append(text)

    unanswered = []
    for round_number in range(3):
        redis_server.pause()
        # More questions than connections, so that some wait for one when the time is up.
        async with anyio.create_task_group() as tasks:
            for number in range(60):
                tasks.start_soon(ask, f"{round_number}.{number}")
        redis_server.resume()
        async with anyio.create_task_group() as tasks:
            for number in range(60):
                tasks.start_soon(ask, f"{round_number}.{number} again")
    assert len([text for text in unanswered if "again" not in text]) == 180


async def test_after_a_restart_of_redis_every_connection_is_good_again(link, redis_server):
    async def ask_at_once(count: int) -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(_echo, link, str(number))

    await ask_at_once(20)
    redis_server.kill()
    with pytest.raises(RedisUnreachableError):
        await _echo(link, "anyone?")
    redis_server.start()
    await ask_at_once(40)


async def test_connections_that_were_reset_cost_one_question_and_no_more():
    """A connection that was reset looks alive until it is used; one that is found dead speaks for all."""
    writers = []

    async def answer(reader, writer):
        writers.append(writer)
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"PING\r\n"):
                await anyio.sleep(0.01)  # so that questions at once take a connection each
                writer.write(b"+PONG\r\n")

    async def ping() -> None:
        async with link.question() as redis:
            await redis.ping()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        link = RedisLink(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(ping)
        assert len(writers) == 10
        for writer in writers:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        with pytest.raises(RedisUnreachableError):
            await ping()
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(ping)
        await link.close()


async def test_an_error_from_redis_is_told_in_its_words(link, redis_server):
    redis_server.client.config_set("maxmemory", "1")
    with pytest.raises(RedisUnreachableError, match="maxmemory"):
        async with link.question() as redis:
            await redis.set("k", "v")


def test_a_malformed_url_is_a_value_error():
    with pytest.raises(ValueError, match="Redis URL must specify"):
        RedisLink("http://127.0.0.1")
