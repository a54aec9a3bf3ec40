"""The HTTP that nodes speak: to each other, to curl, to whatever connects."""

import asyncio
import socket

import pytest

from systems.tikv.http_client import HttpClient, UnreachableError
from systems.tikv.http_server import MAX_BODY, HttpServer, Request, Response

pytestmark = pytest.mark.anyio


async def echo(request: Request) -> Response:
    if request.path == "/fails":
        raise RuntimeError("no luck")
    if request.path == "/never":
        await asyncio.Event().wait()
    return Response(200, request.method.encode() + b" " + request.target.encode() + b" " + request.body)


@pytest.fixture
async def address():
    listener = socket.create_server(("127.0.0.1", 0))
    async with HttpServer(listener, echo):
        yield listener.getsockname()[:2]


@pytest.fixture
def url(address):
    return f"http://{address[0]}:{address[1]}"


@pytest.fixture
async def client():
    client = HttpClient()
    yield client
    client.close()


async def exchanged(address, *parts: bytes) -> bytes:
    """Send parts as packets of their own; return all that comes until the server closes."""
    reader, writer = await asyncio.open_connection(*address)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    received = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return received


async def until(condition) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("waited 30 s in vain")


async def test_one_connection_serves_many_requests(url, client):
    for number in range(5):
        answer = await client.ask(f"{url}/x?n={number}", within=30)
        assert answer.body == f"GET /x?n={number} ".encode()
    assert len(client._idle[url.split("//")[1].split(":")[0], int(url.rsplit(":", 1)[1])]) == 1


async def test_a_body_of_any_size_arrives(url, client):
    body = bytes(range(256)) * 8192
    answer = await client.ask(f"{url}/x", method="PUT", body=body, within=30)
    assert answer.body == b"PUT /x " + body


async def test_requests_may_come_in_pieces_or_several_at_once(address):
    asked = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    whole = await exchanged(address, asked)
    assert whole.index(b"GET /a ") < whole.index(b"GET /b ")
    assert await exchanged(address, *(asked[place : place + 1] for place in range(len(asked)))) == whole


async def test_a_chunked_body_is_understood(address):
    head = b"POST /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await exchanged(address, head, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")).endswith(
        b"POST /c abcde"
    )


async def test_a_caller_that_waits_to_be_asked_for_its_body_is_asked(address):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"PUT /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 100")
    writer.write(b"ok")
    await reader.readuntil(b"PUT /e ok")
    writer.close()


async def test_head_has_no_body(address):
    answer = await exchanged(address, b"HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 8" in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 20_000, b"431"),
    ],
)
async def test_what_is_no_request_is_refused_and_the_connection_closed(address, sent, status):
    assert (await exchanged(address, sent)).startswith(b"HTTP/1.1 " + status)


async def test_a_body_that_is_too_large_is_refused(url, client):
    answer = await client.ask(f"{url}/x", method="PUT", body=b"x" * (MAX_BODY + 1), within=30)
    assert answer.status == 413


async def test_a_handler_that_fails_is_a_500(url, client):
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    answer = await client.ask(f"{url}/fails", within=30)
    assert (answer.status, answer.body) == (500, b"RuntimeError: no luck")
    assert (await client.ask(f"{url}/x", within=30)).status == 200


async def test_a_caller_that_leaves_ends_what_was_done_for_it(url, client):
    before = asyncio.all_tasks()
    with pytest.raises(UnreachableError, match=r"no answer within 0\.2 s"):
        await client.ask(f"{url}/never", within=0.2)
    await until(lambda: asyncio.all_tasks() == before)


async def test_nobody_there_is_said_with_the_address(client):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host, port = unused.getsockname()
        with pytest.raises(UnreachableError, match=f"{host}:{port}: "):
            await client.ask(f"http://{host}:{port}/", within=30)


async def test_a_connection_closed_by_the_other_side_is_not_used_again(client):
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    async with HttpServer(listener, echo):
        assert (await client.ask(f"http://{host}:{port}/", within=30)).status == 200
        [kept] = client._idle[host, port]
    await until(lambda: not kept.reusable)
    async with HttpServer(socket.create_server((host, port)), echo):
        assert (await client.ask(f"http://{host}:{port}/", within=30)).status == 200
