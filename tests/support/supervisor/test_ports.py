import errno
import socket
import struct

import anyio
import pytest

from support.supervisor import Command, LogLine, Port, reserve_port

pytestmark = pytest.mark.anyio

IP_LOCAL_PORT_RANGE = 51  # <linux/in.h>, since Linux 6.3

ASYNCIO_SERVER = """
import asyncio, sys
async def main():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", int(sys.argv[1]))
    print("listening")
    await server.serve_forever()
asyncio.run(main())
"""


async def test_redis_listens_on_a_reserved_port_again_and_again(supervisor, redis_server, tmp_path):
    with reserve_port() as port:
        argv = [redis_server, "--port", str(port.number), "--bind", "127.0.0.1", "--save", ""]
        command = Command(name="redis", argv=argv, cwd=tmp_path, env={}, ready=Port(port.number))
        for _ in range(3):
            redis = await supervisor.start(command)
            # A connection that our side closed last leaves the port in TIME_WAIT.
            async with await anyio.connect_tcp("127.0.0.1", port.number) as stream:
                await stream.send(b"PING\r\n")
                assert await stream.receive() == b"+PONG\r\n"
                await redis.kill()


async def test_an_asyncio_server_listens_on_a_reserved_port_again_and_again(supervisor, python):
    with reserve_port() as port:
        for _ in range(3):
            server = await supervisor.start(
                python(ASYNCIO_SERVER, str(port.number), ready=LogLine("listening"))
            )
            await Port(port.number).reached(server, {})
            await server.kill()


def only(port: int) -> socket.socket:
    """A socket that the kernel can give no other port than this one."""
    stranger = socket.socket()
    try:
        stranger.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("I", port << 16 | port))
    except OSError:
        pytest.skip("Linux before 6.3 cannot narrow the range of ports of one socket")
    return stranger


@pytest.mark.parametrize("reuse", [0, 1])
def test_the_kernel_gives_a_reserved_port_to_no_stranger_who_binds(reuse):
    with reserve_port() as port, only(port.number) as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        with pytest.raises(OSError, match=r"Address already in use"):
            stranger.bind(("127.0.0.1", 0))
        port.close()
        stranger.bind(("127.0.0.1", 0))
        assert stranger.getsockname()[1] == port.number


def test_the_kernel_gives_a_reserved_port_to_no_stranger_who_connects():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with reserve_port() as port, only(port.number) as stranger:
            refused = stranger.connect_ex(listener.getsockname())
            assert errno.errorcode[refused] == "EADDRNOTAVAIL"
            port.close()
            stranger.connect(listener.getsockname())
            assert stranger.getsockname()[1] == port.number


def test_nobody_listens_on_a_reserved_port_yet():
    with reserve_port() as port, socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", port.number))
