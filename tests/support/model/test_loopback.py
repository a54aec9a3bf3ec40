import httpx
import pytest
from starlette.responses import PlainTextResponse

from support.model.loopback import Loopback

pytestmark = pytest.mark.anyio


async def get(url: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(url)).text


async def test_refused_connections_are_accepted_again_at_the_same_address() -> None:
    server = Loopback(PlainTextResponse("here"))
    await server.open()
    assert await get(server.url) == "here"
    server.refuse()
    with pytest.raises(httpx.ConnectError):
        await get(server.url)
    await server.accept()
    assert await get(server.url) == "here"
    await server.close()
    with pytest.raises(httpx.ConnectError):
        await get(server.url)


async def test_a_reset_is_seen_as_one() -> None:
    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        server.reset(scope)

    server = Loopback(app)
    await server.open()
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ReadError):
            await client.get(server.url)
    await server.close()
