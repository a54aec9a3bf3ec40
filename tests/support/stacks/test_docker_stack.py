"""The rate limiter in containers of a real engine. Skipped, with the reason, where there is none."""

import subprocess

import anyio
import pytest

from support.machine.temporary import home
from support.stacks.stack import NotSteady
from support.supervisor import Guardian, Supervisor
from support.verdict import BrokenBed

pytestmark = pytest.mark.anyio


@pytest.fixture
def engine(engine_environ):
    from support.stacks.docker import Engine

    with Guardian.start(home()) as guardian:
        found = Engine.find(engine_environ, tag=guardian.tag)
        guardian.register_engine(found.client, found.host, "operator-acceptance.run")
        found.ask("version")
        yield found
    assert labelled(found) == []


@pytest.fixture
async def stack(engine, tmp_path):
    from support.stacks.docker_ratelimiter import ratelimiter_on_docker

    async with (
        Supervisor(tmp_path / "spools") as supervisor,
        ratelimiter_on_docker(
            engine, project=f"test-{engine.tag}", directory=tmp_path, supervisor=supervisor
        ) as stack,
    ):
        await stack.steady(within=20)
        await stack.reset()
        yield stack


def labelled(engine):
    """What the engine has with the run's label."""
    wanted = ("--quiet", "--filter", f"label=operator-acceptance.run={engine.tag}")
    listed = (engine.ask(*kind, *wanted) for kind in (("ps", "--all"), ("network", "ls"), ("volume", "ls")))
    return [word for words in listed for word in words.split()]


def docker(stack, *words):
    subprocess.run(
        [stack.engine.client, *words],
        env={"DOCKER_HOST": stack.engine.host},
        check=True,
        capture_output=True,
        timeout=60,
    )


def build(engine, image, changes):
    """An image like that of a node, but for some lines of its recipe."""
    subprocess.run(
        [engine.client, "build", "--quiet", "--tag", image, "-"],
        input=f"FROM operator-acceptance/ratelimiter:0.1.0\n{changes}\n".encode(),
        env={"DOCKER_HOST": engine.host, "DOCKER_BUILDKIT": "0"},
        check=True,
        capture_output=True,
        timeout=60,
    )


async def until(condition):
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.02)


async def test_states_changes_and_logs_are_those_of_the_containers(stack):
    node = stack.nodes["ratelimiter-2"]
    first = node.incarnation
    assert len(labelled(stack.engine)) == 4 + 1 + 1  # containers, network, volume

    await node.kill()
    assert node.state == "exited"
    with pytest.raises(NotSteady, match="ratelimiter-2 is exited"):
        await stack.steady(within=0.1)
    await node.start()
    await stack.steady(within=20)
    assert node.incarnation != first
    await node.pause()
    assert node.state == "paused"
    await node.resume()
    await stack.steady(within=20)
    assert stack.changes == ()  # all of that was the suite's own doing
    assert any("ready on" in line for line in node.logs(20))

    docker(stack, "restart", node.container)
    await until(lambda: any("restart" in change.what for change in stack.changes))
    assert {change.what.rpartition(" ")[2] for change in stack.changes} == {"ratelimiter-2"}
    await stack.steady(within=20)


async def test_several_run_side_by_side_and_know_nothing_of_each_other(engine, stack, tmp_path):
    from support.stacks.docker_ratelimiter import ratelimiter_on_docker

    (tmp_path / "other").mkdir()
    async with (
        Supervisor(tmp_path / "other/spools") as supervisor,
        ratelimiter_on_docker(
            engine, project=f"other-{engine.tag}", directory=tmp_path / "other", supervisor=supervisor
        ) as other,
    ):
        await other.steady(within=20)
        await other.reset()
        await stack.set_limit("mine", 7)
        await stack.check("mine")
        assert "mine" not in await other.counters()
        await other.nodes["ratelimiter-1"].kill()
        assert not await stack.problems()
        assert not any("docker" in change.what for change in stack.changes)
    await stack.steady(within=20)  # the end of one is not the end of both


async def test_a_container_that_somebody_removes_is_trouble_of_the_stack(stack):
    docker(stack, "rm", "--force", stack.nodes["ratelimiter-3"].container)
    await until(lambda: stack.trouble is not None)
    assert stack.trouble == "the container of node ratelimiter-3 was removed, and not by this run"
    with pytest.raises(NotSteady, match="ratelimiter-3 is removed"):
        await stack.steady(within=0.1)


async def test_an_image_that_is_missing_is_named_with_the_way_out(engine, tmp_path, monkeypatch):
    from support.stacks.docker_ratelimiter import ratelimiter_on_docker

    monkeypatch.setenv("REDIS_IMAGE", "nowhere.invalid/redis:7.0")
    async with Supervisor(tmp_path / "spools") as supervisor:
        opened = ratelimiter_on_docker(
            engine, project=f"test-{engine.tag}", directory=tmp_path, supervisor=supervisor
        )
        with pytest.raises(BrokenBed, match=r"image nowhere.invalid/redis:7.0 for node redis is missing"):
            await opened.__aenter__()


async def test_a_node_that_never_becomes_healthy_is_named_with_what_it_said(engine, tmp_path, monkeypatch):
    from support.stacks.docker_ratelimiter import ratelimiter_on_docker

    lame = f"operator-acceptance/lame-{engine.tag}:1"
    build(engine, lame, "HEALTHCHECK --interval=1s CMD false\nCMD echo lame; sleep 1000")
    monkeypatch.setenv("RATELIMITER_IMAGE", lame)
    try:
        async with Supervisor(tmp_path / "spools") as supervisor:
            opened = ratelimiter_on_docker(
                engine, project=f"test-{engine.tag}", directory=tmp_path, supervisor=supervisor
            )
            with pytest.raises(BrokenBed, match=r"(?s)did not come up.*ratelimiter-\d.* unhealthy.*lame"):
                await opened.__aenter__()
    finally:
        engine.ask("image", "rm", "--force", lame)


async def test_what_another_run_labelled_is_left_alone(engine, tmp_path):
    from support.supervisor.leftovers import clear_engine

    mine = engine.ask("volume", "create", "--label", f"operator-acceptance.run={engine.tag}")
    other = engine.ask("volume", "create", "--label", "operator-acceptance.run=of-another-run")
    try:
        assert clear_engine(engine.client, engine.host, "operator-acceptance.run", tag=engine.tag) == ""
        assert mine not in engine.ask("volume", "ls", "--quiet").split()
        assert other in engine.ask("volume", "ls", "--quiet").split()
    finally:
        engine.ask("volume", "rm", other)
