"""Who is Up, who is Down, and that nobody vanishes."""

import json

import pytest

from systems.ratelimiter.members import Membership, Node
from systems.ratelimiter.redis_link import RedisUnreachableError

pytestmark = pytest.mark.anyio

LONG = 600


@pytest.fixture
def member(link):
    """Make a member; `ttl` in seconds, long enough for any test."""

    def make(node_id="a", address="127.0.0.1:8001") -> Membership:
        return Membership(link, node_id=node_id, address=address, heartbeat=1, ttl=LONG)

    return make


def states(nodes: list[Node]) -> dict[str, str]:
    return {node.id: node.state for node in nodes}


async def test_a_registered_node_is_up_and_its_hash_expires(member, redis_server):
    a = member()
    await a.register()
    [node] = await a.nodes()
    assert (node.id, node.address, node.state) == ("a", "127.0.0.1:8001", "Up")
    assert node.registered_at is not None
    assert node.last_heartbeat is not None
    assert redis_server.client.hgetall("ratelimiter:nodes:a") == {
        "address": "127.0.0.1:8001",
        "registered_at": node.registered_at,
    }
    assert 0 < redis_server.client.pttl("ratelimiter:nodes:a") <= LONG * 1000


async def test_nodes_are_listed_by_id(member):
    for node_id in ("c", "a", "b"):
        await member(node_id).register()
    assert [node.id for node in await member().nodes()] == ["a", "b", "c"]


async def test_a_node_whose_hash_expired_is_down_and_keeps_its_address(member, redis_server):
    a = member()
    await a.register()
    [up] = await a.nodes()
    redis_server.client.pexpire("ratelimiter:nodes:a", 0)
    [down] = await a.nodes()
    assert down == Node("a", up.address, "Down", up.registered_at, up.last_heartbeat)


async def test_a_node_that_left_is_down_at_once(member):
    a, b = member("a"), member("b")
    await a.register()
    await b.register()
    await a.leave()
    assert states(await b.nodes()) == {"a": "Down", "b": "Up"}


async def test_a_node_that_leaves_does_not_take_off_its_successor(member):
    before, after = member(address="127.0.0.1:1"), member(address="127.0.0.1:2")
    await before.register()
    before._registered_at = "2001-01-01T00:00:00.000+00:00"
    await after.register()
    await before.leave()
    [node] = await after.nodes()
    assert (node.state, node.address) == ("Up", "127.0.0.1:2")


async def test_a_heartbeat_keeps_the_time_of_registration(member):
    a = member()
    await a.register()
    [before] = await a.nodes()
    await a.register()
    [after] = await a.nodes()
    assert after.registered_at == before.registered_at


async def test_an_emptied_redis_gets_back_every_member_that_a_living_one_knew(member, redis_server):
    a, b = member("a"), member("b")
    await b.register()
    await a.register()
    redis_server.client.flushall()
    await a.register()
    assert states(await a.nodes()) == {"a": "Up", "b": "Down"}


async def test_a_registration_by_another_hand_is_listed(member, redis_server):
    redis_server.client.hset("ratelimiter:nodes:x", mapping={"address": "10.0.0.1:8001"})
    assert await member().nodes() == [Node("x", "10.0.0.1:8001", "Up", None, None)]


async def test_a_node_that_was_seen_does_not_vanish_when_redis_is_emptied(member, redis_server):
    a, b = member("a"), member("b")
    await b.register()
    assert states(await a.nodes()) == {"b": "Up"}
    redis_server.client.flushall()
    assert states(await a.nodes()) == {"b": "Down"}
    await a.register()
    assert states(await member("c").nodes()) == {"a": "Up", "b": "Down"}


@pytest.mark.parametrize("text", ["no json", "[]", json.dumps({"address": None})])
async def test_a_damaged_record_hides_no_node(member, redis_server, text):
    await member("a").register()
    redis_server.client.hset("ratelimiter:members", "b", text)
    redis_server.client.set("ratelimiter:nodes:c", "no hash")
    assert states(await member().nodes()) == {"a": "Up", "b": "Down", "c": "Down"}


async def test_without_redis_registering_says_so(member, redis_server):
    redis_server.kill()
    with pytest.raises(RedisUnreachableError):
        await member().register()


async def test_each_loss_of_redis_and_each_return_is_told_once(member, monkeypatch, caplog):
    a = member()
    outcomes = iter([True, False, False, False, True, True, False, True])

    async def register() -> None:
        try:
            if not next(outcomes):
                raise RedisUnreachableError("gone")
        except StopIteration:
            raise _Enough from None

    monkeypatch.setattr(a, "register", register)
    monkeypatch.setattr(a, "_heartbeat", 0.001)
    with pytest.raises(_Enough):
        await a.keep_registered()
    lost, back = "Redis unreachable: gone; refusing every request", "Redis is back; registered again"
    assert caplog.messages == [lost, back, lost, back]


class _Enough(Exception):
    """The outcomes are used up."""
