"""A link passes everything on, until it is told to be slow, to hang, to refuse, or to lead elsewhere."""

import time
from contextlib import asynccontextmanager

import anyio
import pytest

from support.stacks.link import Link

pytestmark = pytest.mark.anyio

GONE = (OSError, anyio.EndOfStream, anyio.BrokenResourceError)


@asynccontextmanager
async def echoing(greeting=b""):
    """A server that sends back what it receives, after a greeting; gives its port."""

    async def echo(connection):
        async with connection:
            await connection.send(greeting) if greeting else None
            while True:
                try:
                    await connection.send(await connection.receive())
                except GONE:
                    return

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, echo)
        yield listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


@pytest.fixture
async def server():
    async with echoing() as port:
        yield port


@pytest.fixture
async def link(server):
    async with Link("caller to server", to=server) as link:
        yield link


async def ask(connection, text=b"hello", *, within=5.0):
    with anyio.fail_after(within):
        await connection.send(text)
        received = b""
        while len(received) < len(text):
            received += await connection.receive()
        return received


def connecting(link):
    return anyio.connect_tcp("127.0.0.1", link.port)


async def test_a_whole_link_passes_everything_on_and_the_end_too(link):
    text = bytes(range(256)) * 20_000
    async with await connecting(link) as connection, anyio.create_task_group() as tasks:
        tasks.start_soon(connection.send, text)
        received = b""
        with anyio.fail_after(20):
            while len(received) < len(text):
                received += await connection.receive()
        assert received == text
    with anyio.fail_after(5):
        while link._pairs:  # noqa: ASYNC110
            await anyio.sleep(0.01)


async def test_a_link_that_refuses_resets_what_there_is_and_refuses_what_comes(link):
    async with await connecting(link) as connection:
        await ask(connection)
        await link.cut(hanging=False)
        assert link.state == "refusing"
        with pytest.raises(GONE):
            await ask(connection)
        with pytest.raises(OSError, match="connect"):
            await connecting(link)
    await link.heal()
    assert link.state == "whole"
    async with await connecting(link) as connection:
        assert await ask(connection) == b"hello"


async def test_a_link_that_hangs_is_silent_to_old_and_new_and_goes_on_when_healed(link):
    async with await connecting(link) as old:
        await ask(old)
        await link.cut(hanging=True)
        assert link.state == "hanging"
        async with await connecting(link) as new:
            for connection in (old, new):
                with pytest.raises(TimeoutError):
                    await ask(connection, within=0.1)
            await link.heal()
            for connection in (old, new):
                with anyio.fail_after(5):
                    assert await connection.receive() == b"hello"


async def test_a_slow_link_passes_everything_on_later_in_its_order(link):
    async with await connecting(link) as connection:
        await ask(connection)
        link.slow_down(0.05)
        started = time.monotonic()
        for number in range(20):
            await connection.send(b"%02d" % number)
        received = b""
        with anyio.fail_after(5):
            while len(received) < 40:
                received += await connection.receive()
        assert received == b"".join(b"%02d" % number for number in range(20))
        assert time.monotonic() - started >= 0.1


async def test_connections_that_are_reset_can_be_made_again_at_once(link):
    async with await connecting(link) as connection:
        await ask(connection)
        link.reset()
        with pytest.raises(GONE):
            await ask(connection)
    async with await connecting(link) as connection:
        assert await ask(connection) == b"hello"


async def test_a_diverted_link_leads_elsewhere_for_as_long_as_it_is_told(link):
    astray = True
    async with echoing(b"elsewhere") as elsewhere:
        link.divert(elsewhere, as_long_as=lambda: astray)
        assert link.state == "diverted"
        async with await connecting(link) as connection:
            assert await connection.receive() == b"elsewhere"
            astray = False
            assert link.state == "whole"
            async with await connecting(link) as another:
                assert await ask(another) == b"hello"


async def test_a_connection_with_nobody_at_the_far_end_is_reset():
    async with Link("caller to nobody", to=1) as link, await connecting(link) as connection:
        with pytest.raises(GONE):
            await ask(connection)


async def test_a_link_that_is_closed_leaves_nothing_behind(server):
    async with Link("caller to server", to=server) as link:
        connection = await connecting(link)
        await ask(connection)
    async with connection:
        with pytest.raises(GONE):
            await ask(connection)
    with pytest.raises(OSError, match="connect"):
        await connecting(link)


async def test_a_storm_of_barred_connections_is_judged_together_and_holds_up_nothing(server):
    judged = []

    async def all_of(ports):
        judged.append(len(ports))
        await anyio.sleep(0.05)
        return ports

    async def call(port):
        try:
            async with await anyio.connect_tcp("127.0.0.1", port) as connection:
                await connection.receive()
        except GONE:
            reset.append(port)

    reset = []
    async with Link("test", to=server) as link:
        await link.bar(all_of)
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(call, link.port)
        assert len(reset) == 100
        assert len(judged) < 20
        await link.heal()
        async with await anyio.connect_tcp("127.0.0.1", link.port) as connection:
            await connection.send(b"again")
            assert await connection.receive() == b"again"
