"""A stack that somebody else has started is used, and left as it was found."""

import json

import anyio
import pytest
from redis.asyncio import Redis

from support.stacks.joined import ask, joined_ratelimiter
from support.verdict import BrokenBed

pytestmark = pytest.mark.anyio

NAMES = ("redis", "ratelimiter-1", "ratelimiter-2", "ratelimiter-3")


@pytest.fixture
def control(control_of):
    with control_of("ratelimiter") as control:
        yield control


@pytest.fixture
async def redis(control):
    """Their Redis, with a counter of theirs."""
    async with Redis.from_url(
        json.loads(ask(control, "suite", "endpoints"))["redis_url"], decode_responses=True
    ) as redis:
        await redis.hset("ratelimit:limit:theirs", mapping={"limit": 7, "window_ms": 600_000})
        seconds, _ = await redis.time()
        await redis.zadd("ratelimit:theirs", {f"r{n}": seconds * 1000 for n in range(4)})
        await redis.pexpire("ratelimit:theirs", 600_000)
        yield redis


def pids(control):
    return {name: json.loads(ask(control, "inspect", name))["pid"] for name in NAMES}


async def theirs(redis):
    names = sorted([name async for name in redis.scan_iter(match="ratelimit:*")])
    return {
        "keys": names,
        "limit": await redis.hgetall("ratelimit:limit:theirs"),
        "requests": await redis.zrange("ratelimit:theirs", 0, -1, withscores=True),
        "expires": 0 < await redis.pttl("ratelimit:theirs") <= 600_000,
    }


async def test_it_is_used_in_full_and_left_as_it_was_found(control, redis):
    before, pids_before = await theirs(redis), pids(control)
    async with joined_ratelimiter(control) as joined:
        await joined.steady(within=20)
        await joined.reset()
        assert set(await joined.counters()) == {"login", "search"}
        await joined.node("ratelimiter-2").kill()
        await joined.node("ratelimiter-3").pause()
        await joined.node("ratelimiter-1").stop()
        states = {name: node.state for name, node in joined.nodes.items()}
        assert states == {
            "redis": "running",
            "ratelimiter-1": "exited",
            "ratelimiter-2": "exited",
            "ratelimiter-3": "paused",
        }
    assert await theirs(redis) == before
    after = pids(control)
    assert None not in after.values()
    assert {name for name in NAMES if after[name] != pids_before[name]} == {"ratelimiter-1", "ratelimiter-2"}
    assert ask(control, "ps").count("running") == 4


async def test_what_was_in_its_redis_is_there_again_though_redis_was_killed(control, redis):
    before = await theirs(redis)
    async with joined_ratelimiter(control) as joined:
        await joined.node("redis").kill()
        await joined.node("redis").start()
        await joined.steady(within=20)
        await joined.reset()
    await redis.connection_pool.disconnect()
    assert await theirs(redis) == before


async def test_a_paused_node_that_others_restart_runs_again(control):
    async with joined_ratelimiter(control) as joined:
        await joined.node("ratelimiter-3").pause()
        assert joined.node("ratelimiter-3").state == "paused"
        await anyio.to_thread.run_sync(ask, control, "restart", "ratelimiter-3")
        assert joined.node("ratelimiter-3").state == "running"


async def test_changes_are_seen_that_others_make_and_none_of_its_own(control, redis):
    async with joined_ratelimiter(control) as joined:
        await joined.reset()
        await joined.node("ratelimiter-2").stop()
        await joined.node("ratelimiter-2").start()
        await redis.delete("ratelimit:login")
        with anyio.fail_after(10):
            while not joined.changes:  # noqa: ASYNC110 - a stack announces nothing
                await anyio.sleep(0.01)
        assert [change.what for change in joined.changes] == ["DEL ratelimit:login"]
        assert joined.node("redis").logs(200)


async def test_one_that_is_not_in_its_steady_state_is_left_alone(control, redis):
    await redis.hset("ratelimit:limit:theirs", "limit", 3)
    before = await theirs(redis)
    with pytest.raises(
        BrokenBed, match="not in its steady state: counter theirs stands at 4 with a limit of 3"
    ):
        async with joined_ratelimiter(control):
            pytest.fail("it was joined")
    assert await theirs(redis) == before


async def test_a_second_run_is_turned_away(control):
    async with joined_ratelimiter(control):
        with pytest.raises(BrokenBed, match="another run has joined the stack"):
            async with joined_ratelimiter(control):
                pytest.fail("it was joined twice")
    async with joined_ratelimiter(control) as joined:
        assert not await joined.problems()


async def test_one_that_has_gone_is_a_broken_bed(tmp_path):
    with pytest.raises(BrokenBed, match="no stack answers at"):
        async with joined_ratelimiter(tmp_path / "gone.sock"):
            pytest.fail("it was joined")
