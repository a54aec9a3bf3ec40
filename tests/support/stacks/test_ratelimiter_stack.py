"""The rate limiter stack on real processes: a real Redis and three nodes."""

import os
import subprocess
import sys
from functools import partial

import anyio.to_thread
import httpx
import pytest

from support.faults.process import NodeKilled
from support.faults.redis_data import OverLimit
from support.machine.temporary import home
from support.stacks.process import ratelimiter_on_processes
from support.stacks.redis_server import find_redis_server
from support.stacks.stack import NotSteady
from support.supervisor import Guardian, Supervisor
from support.verdict import BrokenBed
from support.workload.ratelimiter import burst

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stack(tmp_path):
    with Guardian.start(home()) as guardian:
        directory = guardian.directory / "s"
        directory.mkdir()
        async with (
            Supervisor(tmp_path, guardian=guardian) as supervisor,
            ratelimiter_on_processes(directory=directory, supervisor=supervisor, environ=os.environ) as stack,
        ):
            await stack.steady(within=20)
            await stack.reset()
            yield stack


async def changes(stack, *, holding):
    """The changes, once the one that holds these words has been witnessed."""
    with anyio.fail_after(10):
        while not any(holding in change.what for change in stack.changes):  # noqa: ASYNC110
            await anyio.sleep(0.01)
    return [change.what for change in stack.changes]


def without(state, names):
    return {name: value for name, value in state.items() if name not in names}


async def test_a_scene_is_set_with_limits_and_counters_that_no_fault_touches(stack):
    counters = await stack.counters()
    assert {key: (each.limit, each.count) for key, each in counters.items()} == {
        "login": (5, 2),
        "search": (20, 3),
    }


async def test_a_reset_forgets_what_an_earlier_scenario_left(stack):
    await stack.set_limit("checkout", 10)
    await stack.push("checkout", 15)
    await stack.reset()
    assert sorted(await stack.counters()) == ["login", "search"]
    assert await stack.problems() == []


async def test_a_counter_over_its_limit_is_no_steady_state(stack):
    fault = OverLimit(stack, key="checkout", limit=10, by=5)
    await fault.prepare()
    await fault.inject()
    assert await fault.shown()
    with pytest.raises(NotSteady, match="counter checkout stands at 15 with a limit of 10"):
        await stack.steady(within=0.1)
    await fault.heal()
    await fault.heal()
    await stack.steady(within=5)


async def test_a_killed_node_is_no_steady_state_until_it_is_healed(stack):
    fault = NodeKilled(stack, node="ratelimiter-2")
    before = without(await stack.state(), fault.breaks)
    await fault.inject()
    assert "ratelimiter-2 is exited" in await stack.problems()
    await fault.heal()
    await stack.steady(within=20)
    assert without(await stack.state(), fault.breaks) == before


async def test_the_changes_of_others_are_witnessed_and_requests_are_not(stack):
    await burst(stack.urls, "search", requests=30)
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{stack.urls[0]}/api/counters/search/reset")
    assert await changes(stack, holding="ratelimit:search") == ["DEL ratelimit:search ratelimit:search:seq"]
    await stack.redis.config_get("maxmemory")
    await stack.redis.flushall()
    assert await changes(stack, holding="FLUSHALL") == [
        "DEL ratelimit:search ratelimit:search:seq",
        "FLUSHALL",
    ]


async def test_what_an_agent_does_with_stackctl_is_done_and_witnessed(stack):
    state = await stack.state()
    command = [sys.executable, "-m", "support.stacks.stackctl", "restart", "ratelimiter-3"]
    environment = {**os.environ, **stack.environment}
    run = partial(subprocess.run, command, env=environment, check=True, timeout=30)
    await anyio.to_thread.run_sync(run)
    await stack.steady(within=20)
    assert [change.what for change in stack.changes] == ["stackctl restart ratelimiter-3"]
    differing = {name for name, value in (await stack.state()).items() if state[name] != value}
    assert differing == {"node ratelimiter-3"}


async def test_a_node_that_nobody_knows_is_the_features_mistake(stack):
    with pytest.raises(BrokenBed, match="there is no node ratelimiter-9; there are redis"):
        NodeKilled(stack, node="ratelimiter-9")


def test_the_redis_of_the_system_comes_before_that_of_the_virtual_environment(tmp_path):
    for name in ("valkey-server", "redis-server"):
        server(tmp_path / name, "7.2.4")
        assert find_redis_server({"PATH": str(tmp_path)}) == tmp_path / name


def test_a_redis_that_is_too_old_is_passed_over(tmp_path):
    server(tmp_path / "redis-server", "6.0.16")
    server(tmp_path / "valkey-server", "8.0.1")
    assert find_redis_server({"PATH": str(tmp_path)}) == tmp_path / "valkey-server"


@pytest.mark.parametrize(
    ("says", "seen"), [("6.0.16", "is version 6.0.16"), ("?", "does not say its version")]
)
def test_with_nothing_but_an_unfit_redis_the_bed_says_what_it_is(tmp_path, monkeypatch, says, seen):
    server(tmp_path / "redis-server", says)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(BrokenBed, match=f"6.2 or newer: {tmp_path}/redis-server {seen}"):
        find_redis_server({"PATH": str(tmp_path)})


def server(path, version):
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0:0'\n")
    path.chmod(0o755)


def test_without_any_redis_the_bed_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(BrokenBed, match="apt-get install redis-server"):
        find_redis_server({"PATH": str(tmp_path)})
