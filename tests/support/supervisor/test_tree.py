"""Whoever descends from a process is found and ended with it, however it has tried to get away."""

import os
import subprocess
import sys
import time

import anyio
import pytest

from support.supervisor import LogLine, Supervisor

pytestmark = pytest.mark.anyio

# Each prints its pid and stays. $1 is a word to be found by.
ESCAPES = {
    "grandchild": "bash -c 'echo pid $$; sleep 300; :' $1 & wait",
    "grandchild of a dead parent": "bash -c 'echo pid $$; sleep 300; :' $1 & exit 0",
    "setsid": "setsid bash -c 'echo pid $$; sleep 300; :' $1 & wait",
    "setsid of a dead parent": "setsid bash -c 'echo pid $$; sleep 300; :' $1 & exit 0",
    "double fork to the root directory": """
        (cd / && setsid bash -c '(echo pid $BASHPID; sleep 300; :) & exit 0' $1) & wait
    """,
    "ignores everything": """
        setsid bash -c 'trap "" TERM HUP INT; echo pid $$; while :; do sleep 1; done' $1 & exit 0
    """,
    "cleared environment": "env -i /bin/bash -c 'echo pid $$; sleep 300; :' $1 & wait",
    "cleared environment of a dead parent": "env -i /bin/bash -c 'echo pid $$; sleep 300; :' $1 & exit 0",
}


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("how", ["stop", "kill", "leave"])
async def test_a_descendant_goes_with_its_process(tmp_path, shell, alive, token, eventually, escape, how):
    async with Supervisor(tmp_path / "spools") as supervisor:
        process = await supervisor.spawn(shell(ESCAPES[escape], token, grace=0.3))
        (line,) = await eventually(lambda: list(process.output.lines(r"pid (\d+)")))
        pid = int(line.match[1])
        assert pid in {info.pid for info in process.descendants()}
        assert alive(token)
        if how == "stop":
            await process.stop()
        elif how == "kill":
            await process.kill()
        if how != "leave":
            assert process.descendants() == ()
            assert not alive(token)
    assert not alive(token)


async def test_who_clears_its_environment_and_calls_setsid_is_known_by_its_directory(
    tmp_path, guardian, shell, alive, token
):
    cwd = guardian.directory / "node"
    cwd.mkdir()
    async with Supervisor(tmp_path / "spools", guardian=guardian) as supervisor:
        script = "env -i /usr/bin/setsid /bin/bash -c 'echo pid $$; sleep 300; :' $1 & sleep 0.1; exit 0"
        process = await supervisor.spawn(shell(script, token, cwd=cwd))
        await process.output.line("pid", within=60)
        await process.wait()
        assert len(process.descendants()) >= 1
        await process.stop()
        assert not alive(token)


async def test_a_directory_shared_by_two_programs_gives_nobody_away(tmp_path, guardian, shell, alive, token):
    async with Supervisor(tmp_path / "spools", guardian=guardian) as supervisor:
        script = "env -i /usr/bin/setsid /bin/bash -c 'echo pid $$; sleep 300; :' $1 & sleep 0.1; exit 0"
        other = await supervisor.spawn(shell("sleep 300", name="other", cwd=guardian.directory))
        process = await supervisor.spawn(shell(script, token, cwd=guardian.directory))
        await process.output.line("pid", within=60)
        await process.wait()
        await other.stop()
        assert alive(token)
    guardian.close()
    assert not alive(token)
    assert guardian.removed


async def test_a_restarted_process_is_not_taken_for_the_first_one(tmp_path, guardian, shell, alive, token):
    cwd = guardian.directory / "node"
    cwd.mkdir()
    async with Supervisor(tmp_path / "spools", guardian=guardian) as supervisor:
        first = await supervisor.start(shell("echo up; exit 0", name="node", cwd=cwd))
        await first.wait()
        script = "echo up; env -i /bin/bash -c 'sleep 300; :' $1; :"
        second = await supervisor.start(shell(script, token, name="node", cwd=cwd, ready=LogLine("up")))
        while not alive(token):  # noqa: ASYNC110
            await anyio.sleep(0.01)
        assert first.descendants() == ()
        await first.stop()
        assert second.alive
        assert alive(token)


async def test_neighbours_are_left_alone(supervisor, shell, alive, token):
    one = await supervisor.start(shell("sleep 300 & echo up; wait", name="one", ready=LogLine("up")))
    two = await supervisor.start(
        shell("sleep 300 & echo up; wait; : $1", token, name="two", ready=LogLine("up"))
    )
    before = {info.pid for info in two.descendants()}
    await one.stop()
    assert two.alive
    assert {info.pid for info in two.descendants()} == before


async def test_children_of_other_code_are_left_alone_and_keep_their_exit_status(tmp_path, shell):
    others = [subprocess.Popen([sys.executable, "-S", "-c", f"raise SystemExit({n})"]) for n in range(10)]  # noqa: ASYNC220
    lasting = subprocess.Popen(["sleep", "300"], start_new_session=True)  # noqa: ASYNC220
    try:
        async with Supervisor(tmp_path / "spools") as supervisor:
            for _ in range(5):
                process = await supervisor.spawn(shell("setsid sleep 300 & setsid true & exit 0"))
                await process.wait()
                await process.stop()
        assert [other.wait() for other in others] == list(range(10))
        assert lasting.poll() is None
    finally:
        lasting.kill()
        lasting.wait()


async def test_orphans_that_were_killed_do_not_stay_as_zombies(supervisor, shell, eventually):
    process = await supervisor.spawn(shell("setsid sleep 300 & sleep 300 & echo up; exit 0"))
    await process.wait()
    orphans = {info.pid for info in process.descendants()}
    assert len(orphans) == 2
    await process.stop()
    assert not [pid for pid in orphans if os.path.exists(f"/proc/{pid}")]  # noqa: ASYNC240, PTH110


async def test_a_tree_that_forks_all_the_time_is_killed_whole(supervisor, shell, alive, token):
    script = """
        work() { while :; do (sleep 0.01; :) & sleep 0.005; done; }
        for i in 1 2 3 4; do work & done
        echo up
        wait
    """
    process = await supervisor.start(shell(script, token, ready=LogLine("up")))
    await process.kill()
    assert process.descendants() == ()
    assert not alive(token)


async def test_a_process_that_starts_another_on_term_is_ended_with_it(supervisor, shell, alive, token):
    script = "trap 'setsid sleep 300 $1 & exit 0' TERM; echo up; while :; do sleep 0.01; done"
    process = await supervisor.start(shell(script, token, ready=LogLine("up")))
    await process.stop()
    assert process.descendants() == ()


async def test_a_supervisor_below_a_supervisor_leaves_nothing_when_it_is_killed(
    supervisor, python, alive, token
):
    program = """
        import os, sys
        sys.path[:0] = sys.argv[1].split(":")
        import anyio
        from pathlib import Path
        from support.supervisor import Command, Supervisor
        async def main():
            async with Supervisor(Path("inner")) as inner:
                argv = ["bash", "-c", "setsid sleep 300 & cd /; echo up; sleep 300; : " + sys.argv[2]]
                env = {"PATH": os.environ["PATH"]}
                await inner.spawn(Command(name="deep", argv=argv, cwd=Path("/"), env=env))
                await anyio.sleep(0.2)
                print("inner up")
                await anyio.sleep_forever()
        anyio.run(main)
    """
    process = await supervisor.start(python(program, ":".join(sys.path), token, ready=LogLine("inner up")))
    assert {"bash", "sleep"} <= {info.command for info in process.descendants()}
    await process.kill()
    assert not alive(token)


async def test_what_a_supervisor_below_a_supervisor_left_is_known_by_the_chain_of_tags(
    supervisor, python, alive, token
):
    program = """
        import os, signal, sys
        sys.path[:0] = sys.argv[1].split(":")
        import anyio
        from pathlib import Path
        from support.supervisor import Command, LogLine, Supervisor
        async def main():
            async with Supervisor(Path("inner")) as inner:
                argv = ["bash", "-c", "echo up; sleep 300; : " + sys.argv[2]]
                env = {"PATH": os.environ["PATH"]}
                deep = Command(name="deep", argv=argv, cwd=Path("/"), env=env, ready=LogLine("up"))
                await inner.start(deep)
                os.kill(os.getpid(), signal.SIGKILL)
        anyio.run(main)
    """
    process = await supervisor.spawn(python(program, ":".join(sys.path), token))
    assert str(await process.wait()) == "killed by SIGKILL"
    assert alive(token)
    await process.stop()
    assert not alive(token)


async def test_many_processes_leave_no_descriptor_and_no_zombie_behind(supervisor, shell):
    async def one():
        await (await supervisor.spawn(shell("echo hello"))).wait()

    await one()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(25):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(one)
    began = time.monotonic()
    for process in supervisor.processes:
        await process.stop()
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
    assert time.monotonic() - began < 60
    for process in supervisor.processes:
        assert not os.path.exists(f"/proc/{process.pid}")  # noqa: ASYNC240, PTH110
