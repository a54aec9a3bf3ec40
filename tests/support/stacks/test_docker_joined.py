"""Compose projects that somebody else has started are used, and left as they were found."""

import json
import os
import secrets
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from support.faults.tikv_network import StoreCutOffFromPd
from support.machine.temporary import home
from support.supervisor import Guardian, Supervisor, reserve_port
from support.verdict import BrokenBed, NotVerified

pytestmark = pytest.mark.anyio

DOCKER = Path(__file__).parents[3] / "docker"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def run(engine_environ):
    """A run that may join, and its engine."""
    from support.stacks.docker import Engine

    with Guardian.start(home()) as guardian:
        engine = Engine.find(engine_environ, tag=guardian.tag)
        yield guardian, engine


@contextmanager
def project(engine, subject, services, **variables):
    """A project that somebody has started: its name."""
    name = f"somebodys-{secrets.token_hex(4)}"
    with ExitStack() as reserved:
        ports = {
            f"{each.upper().replace('-', '_')}_PORT": str(reserved.enter_context(reserve_port()).number)
            for each in services
        }

        def compose(*words):
            subprocess.run(
                [engine.client, "compose", "-p", name, "-f", DOCKER / subject / "compose.yaml", *words],
                env={**os.environ, "DOCKER_HOST": engine.host, **ports, **variables},
                check=True,
                capture_output=True,
                timeout=120,
            )

        try:
            compose("up", "--detach", "--wait", "--no-build", *services)
            yield name
        finally:
            compose("down", "--volumes", "--timeout", "0")


@pytest.fixture(scope="module")
def tikv(run):
    names = ("pd0", "pd1", "pd2", "tikv0", "tikv1", "tikv2")
    with project(run[1], "tikv", names, STANDIN_TIME_SCALE="20", TIKV_CAPACITY="10485760B") as name:
        yield name


@pytest.fixture(scope="module")
def ratelimiter(run):
    names = ("redis", "ratelimiter-1", "ratelimiter-2", "ratelimiter-3")
    with project(run[1], "ratelimiter", names) as name:
        yield name


@pytest.fixture
async def supervisor(tmp_path):
    async with Supervisor(tmp_path / "spools") as supervisor:
        yield supervisor


def joined(run, name, kind, directory, supervisor):
    from support.stacks.docker_stack import docker_stack

    guardian, _ = run
    return docker_stack(kind, joined=name, guardian=guardian, directory=directory, supervisor=supervisor)


def containers(run, name):
    """By service: the container, and when it was started."""
    _, engine = run
    ids = engine.ask("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={name}").split()
    return {
        each["Config"]["Labels"]["com.docker.compose.service"]: (each["Id"], each["State"]["StartedAt"])
        for each in json.loads(engine.ask("inspect", *ids))
    }


async def test_a_tikv_cluster_is_used_in_full_and_left_as_it_was_found(run, tikv, tmp_path, supervisor):
    before = containers(run, tikv)
    async with joined(run, tikv, "tikv", tmp_path, supervisor) as stack:
        assert stack.substitutes == ("stand-in PD", "stand-in TiKV", "times ×20")
        assert stack.capacity == 10485760
        await stack.write("order-1", "ours")
        await stack.node("pd1").kill()
        await stack.node("tikv1").pause()
        await stack.node("tikv2").stop()
        assert {name: node.state for name, node in stack.nodes.items() if node.state != "running"} == {
            "pd1": "exited",
            "tikv1": "paused",
            "tikv2": "exited",
        }
        with pytest.raises(NotVerified, match="run without -D join and -D project"):
            StoreCutOffFromPd(stack, store="tikv1")
    after = containers(run, tikv)
    assert {name: id_ for name, (id_, _) in after.items()} == {n: id_ for n, (id_, _) in before.items()}
    assert {name for name in after if after[name] != before[name]} == {"pd1", "tikv2"}
    async with joined(run, tikv, "tikv", tmp_path, supervisor) as stack:
        assert await stack.kept("order-1") is None
        assert not await stack.problems()


async def test_what_others_do_to_it_is_a_change(run, tikv, tmp_path, supervisor):
    async with joined(run, tikv, "tikv", tmp_path, supervisor) as stack:
        run[1].ask("pause", stack.node("tikv1").container)
        await stack._events.until("it was paused", lambda: stack.node("tikv1").state == "paused", within=20)
        assert [change.what for change in stack.changes] == ["docker pause tikv1"]


async def test_one_that_is_not_in_its_steady_state_is_left_alone(run, tikv, tmp_path, supervisor):
    _, engine = run
    engine.ask("stop", "--time", "0", f"{tikv}-tikv0-1")
    try:
        before = containers(run, tikv)
        with pytest.raises(BrokenBed, match=f"project {tikv} is not in its steady state: tikv0 is exited"):
            async with joined(run, tikv, "tikv", tmp_path, supervisor):
                pytest.fail("it was joined")
        assert containers(run, tikv) == before
    finally:
        engine.ask("start", f"{tikv}-tikv0-1")


async def test_a_rate_limiter_is_used_in_full_and_left_as_it_was_found(
    run, ratelimiter, tmp_path, supervisor
):
    def redis(*words):
        return run[1].ask("exec", f"{ratelimiter}-redis-1", "redis-cli", *words)

    redis("zadd", "ratelimit:theirs", "1", "somebody")
    before = containers(run, ratelimiter)
    async with joined(run, ratelimiter, "ratelimiter", tmp_path, supervisor) as stack:
        await stack.reset()
        await stack.set_limit("ours", 7)
        await stack.node("ratelimiter-2").kill()
        await stack.node("ratelimiter-3").pause()
        with pytest.raises(NotVerified, match="run without -D join and -D project"):
            _ = stack.links
    after = containers(run, ratelimiter)
    assert {name for name in after if after[name] != before[name]} == {"ratelimiter-2"}
    assert redis("keys", "ratelimit:*") == "ratelimit:theirs"
    async with joined(run, ratelimiter, "ratelimiter", tmp_path, supervisor) as stack:
        await stack.steady(within=20)


async def test_a_project_that_is_not_there_is_named(run, tmp_path, supervisor):
    with pytest.raises(BrokenBed, match="compose project nobodys has no containers"):
        async with joined(run, "nobodys", "tikv", tmp_path, supervisor):
            pytest.fail("it was joined")
