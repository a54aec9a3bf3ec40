import subprocess
import sys
from functools import partial

import anyio
import anyio.to_thread
import pytest

from support.stacks.control import install, serve_stackctl

pytestmark = pytest.mark.anyio


class RecordedNode:
    """A node that does nothing but remember what it was told."""

    def __init__(self, name, *, refuses=()):
        self.name = name
        self.state = "running"
        self.told = []
        self._refuses = refuses

    async def _do(self, verb, state):
        if verb in self._refuses:
            raise RuntimeError("the disk is gone")
        self.told.append(verb)
        self.state = state

    async def start(self):
        await self._do("start", "running")

    async def stop(self):
        await self._do("stop", "exited")

    def logs(self, lines):
        return ["one", "two", "three"][-lines:]

    def inspect(self):
        return {"name": self.name, "pid": 7}


@pytest.fixture
async def stack(tmp_path):
    nodes = {
        "redis": RecordedNode("redis"),
        "ratelimiter-1": RecordedNode("ratelimiter-1", refuses={"start"}),
    }
    changes = []
    (tmp_path / "bin").mkdir()
    command = install(tmp_path / "bin")
    async with serve_stackctl(tmp_path / "s", nodes, changes.append):

        async def stackctl(*arguments, socket=tmp_path / "s"):
            run = partial(
                subprocess.run,
                [command, *arguments],
                env={"STACKCTL_SOCKET": str(socket)} if socket else {},
                capture_output=True,
                text=True,
                timeout=20,
            )
            return await anyio.to_thread.run_sync(run)

        stackctl.nodes, stackctl.changes = nodes, changes
        yield stackctl


async def test_ps_names_every_node_and_its_state(stack):
    done = await stack("ps")
    assert done.stdout == "redis          running\nratelimiter-1  running\n"
    assert done.returncode == 0


async def test_logs_are_the_last_lines(stack):
    assert (await stack("logs", "redis", "2")).stdout == "two\nthree\n"


async def test_inspect_is_json(stack):
    assert '"pid": 7' in (await stack("inspect", "redis")).stdout


async def test_a_restart_stops_and_starts_and_is_witnessed(stack):
    done = await stack("restart", "redis")
    assert done.stdout == "redis: running\n"
    assert stack.nodes["redis"].told == ["stop", "start"]
    assert [change.what for change in stack.changes] == ["stackctl restart redis"]


async def test_looking_is_no_change(stack):
    for arguments in (["ps"], ["logs", "redis"], ["inspect", "redis"]):
        await stack(*arguments)
    assert stack.changes == []


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        (["stop", "redsi"], 2, "no node redsi; there are redis, ratelimiter-1"),
        (["explode", "redis"], 2, "wrong usage: explode redis"),
        (["logs"], 2, "wrong usage: logs"),
        (["logs", "redis", "many"], 2, "wrong usage: logs redis many"),
        (["start", "ratelimiter-1"], 1, "cannot start ratelimiter-1: the disk is gone"),
        ([], 2, "usage: stackctl ps"),
    ],
)
async def test_what_cannot_be_done_is_said_with_a_status(stack, arguments, status, error):
    done = await stack(*arguments)
    assert error in done.stderr
    assert done.returncode == status


async def test_without_a_stack_it_says_where_it_looked(stack, tmp_path):
    done = await stack("ps", socket=tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (3, "")
    assert f"no stack answers at {tmp_path / 'nowhere'}" in done.stderr
    done = await stack("ps", socket=None)
    assert "STACKCTL_SOCKET is not set" in done.stderr


async def test_the_installed_command_names_no_file_of_this_suite(tmp_path):
    (tmp_path / "bin").mkdir()
    text = install(tmp_path / "bin").read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"#!{sys.executable} -IS"
    assert "support" not in text.split("\n", 1)[1]
