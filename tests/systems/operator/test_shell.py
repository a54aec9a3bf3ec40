"""The agent's shell: what the model is told, and that nothing a command starts outlives it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from systems.operator.masking import masker
from systems.operator.shell import TIMED_OUT, Shell, ShellError

pytestmark = pytest.mark.anyio

SECRET = "a-credential-of-somebody"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "LANG": "C.UTF-8",
    "RATELIMITER_URL": "http://10.0.0.1",
    "ANTHROPIC_API_KEY": SECRET,
    "ANTHROPIC_BASE_URL": "http://10.0.0.2",
}


def a_shell(*, timeout: float = 60.0, **environment: str) -> Shell:
    environment = ENVIRONMENT | environment
    return Shell(environment, timeout=timeout, mask=masker(environment))


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass within 60 s"
        time.sleep(0.01)


async def test_the_result_begins_with_the_exit_status_and_has_the_output() -> None:
    async with a_shell() as shell:
        result = await shell.run("echo one; echo two; exit 3")
    assert (result.exit_status, result.text) == (3, "exit status 3\none\ntwo")


async def test_standard_error_is_told_apart() -> None:
    async with a_shell() as shell:
        result = await shell.run("echo out; echo wrong >&2")
    assert result.text == "exit status 0\nout\n[standard error]\nwrong"


async def test_a_command_without_output_is_its_exit_status_only() -> None:
    async with a_shell() as shell:
        assert (await shell.run("true")).text == "exit status 0"


async def test_commands_run_one_after_the_other_with_nothing_kept_but_files(tmp_path: Path) -> None:
    async with a_shell() as shell:
        await shell.run(f"cd {tmp_path}; export X=1; echo kept > {tmp_path}/file")
        result = await shell.run(f"echo X=$X; cat {tmp_path}/file; [ $PWD = {tmp_path} ] || echo elsewhere")
    assert result.text == "exit status 0\nX=\nkept\nelsewhere"


async def test_it_is_bash_where_there_is_bash() -> None:
    async with a_shell() as shell:
        assert (await shell.run("[[ -n $BASH_VERSION ]] && echo bash")).text == "exit status 0\nbash"


async def test_it_is_sh_where_there_is_no_bash(tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    async with a_shell(PATH=str(tmp_path)) as shell:
        assert (await shell.run("echo here")).text == "exit status 0\nhere"


async def test_without_any_shell_it_says_so(tmp_path: Path) -> None:
    async with a_shell(PATH=str(tmp_path)) as shell:
        with pytest.raises(ShellError, match="neither bash nor sh"):
            await shell.run("echo here")


async def test_a_command_has_no_input() -> None:
    async with a_shell(timeout=30) as shell:
        assert (await shell.run("cat; echo ended")).text == "exit status 0\nended"


async def test_a_command_killed_by_a_signal_has_the_status_a_shell_would_show() -> None:
    async with a_shell() as shell:
        assert (await shell.run("kill -9 $$")).exit_status == 128 + signal.SIGKILL


async def test_the_credentials_are_not_in_the_environment_of_commands() -> None:
    async with a_shell() as shell:
        result = await shell.run("env; cat /proc/$PPID/environ | tr '\\0' '\\n'")
    assert "RATELIMITER_URL=http://10.0.0.1" in result.text
    assert "ANTHROPIC" not in result.text


async def test_a_credential_in_the_output_is_masked() -> None:
    async with a_shell() as shell:
        result = await shell.run(f"echo found {SECRET}; echo {SECRET} >&2")
    assert SECRET not in result.text
    assert f"found {'*' * len(SECRET)}" in result.text


@pytest.mark.parametrize("before", range(16_384 - len(SECRET) - 2, 16_384 + 3))
async def test_a_credential_across_the_cut_leaves_no_piece(before: int) -> None:
    command = (
        f"head -c {before} /dev/zero | tr '\\0' x; printf %s {SECRET}; head -c 90000 /dev/zero | tr '\\0' y"
    )
    async with a_shell() as shell:
        result = await shell.run(command)
    assert "left out" in result.text
    assert SECRET[:3] not in result.text


async def test_long_output_keeps_beginning_and_end_and_says_what_is_missing() -> None:
    async with a_shell() as shell:
        result = await shell.run("seq 1 200000")
    lines = result.text.splitlines()
    assert lines[:3] == ["exit status 0", "1", "2"]
    assert lines[-1] == "200000"
    assert len(result.text) < 40_000
    (note,) = [line for line in lines if "left out" in line]
    shown = sum(len(line) + 1 for line in lines[1:] if line != note)
    total = sum(len(str(number)) + 1 for number in range(1, 200_001))
    assert abs(int(note.split()[2]) + shown - total) < 10


async def test_output_at_the_bound_is_whole() -> None:
    async with a_shell() as shell:
        result = await shell.run("head -c 32768 /dev/zero | tr '\\0' x")
    assert result.text == "exit status 0\n" + "x" * 32_768


async def test_any_bytes_make_a_text() -> None:
    async with a_shell() as shell:
        result = await shell.run("printf 'a\\377b\\0c \\303\\274'")
    assert result.text == "exit status 0\na�b�c ü"


async def test_a_flood_of_output_is_read_and_forgotten() -> None:
    async with a_shell() as shell:
        result = await shell.run("head -c 300M /dev/zero | tr '\\0' x; echo; grep VmHWM /proc/$PPID/status")
    peak_kib = int(result.text.split("VmHWM:")[1].split()[0])
    assert peak_kib < 64 * 1024


async def test_a_time_out_kills_the_command_and_its_whole_tree(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = f"""
        sleep 300 & echo $! >> {pids}
        setsid sleep 300 & echo $! >> {pids}
        ( setsid sh -c 'echo $$ >> {pids}; trap "" TERM; setsid sleep 300 & echo $! >> {pids}; wait' & )
        echo begun; sleep 300
    """
    async with a_shell(timeout=4) as shell:
        result = await shell.run(command)
        left = [int(pid) for pid in pids.read_text().split()]
        alive = [pid for pid in left if exists(pid)]
    assert len(left) == 4
    assert alive == []
    assert result.exit_status == TIMED_OUT
    assert result.text.splitlines()[:2] == [
        "exit status 124",
        "[timed out after 4 s; the command and everything it had started were killed]",
    ]
    assert result.text.splitlines()[2] == "begun"


async def test_what_a_command_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    async with a_shell() as shell:
        result = await shell.run("setsid sleep 300 >/dev/null 2>&1 & echo $!; nohup sleep 300 & echo $!")
        pids = [int(line) for line in result.text.splitlines() if line.isdigit()]
        assert len(pids) == 2
        assert not any(exists(pid) for pid in pids)
    assert "[2 process(es) it left running were killed" in result.text


async def test_a_background_process_that_ends_by_itself_is_let_end(tmp_path: Path) -> None:
    async with a_shell() as shell:
        result = await shell.run(f"echo written | tee >(cat > {tmp_path}/copy) >/dev/null")
    assert (tmp_path / "copy").read_text() == "written\n"
    assert "left running" not in result.text


async def test_leaving_the_shell_ends_a_running_command(tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    async def run() -> None:
        async with a_shell() as shell:
            await shell.run(f"setsid sh -c 'echo $$ > {begun}.new; mv {begun}.new {begun}; sleep 300'")

    task = asyncio.create_task(run())
    await asyncio.to_thread(until, begun.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not exists(int(begun.read_text()))


HOLD_A_SHELL = """
import asyncio, os, sys
from systems.operator.shell import Shell
async def main():
    async with Shell(dict(os.environ), timeout=300, mask=str) as shell:
        await shell.run(sys.argv[1])
asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_agent_dies_its_commands_die_with_it(tmp_path: Path, number: signal.Signals) -> None:
    begun = tmp_path / "begun"
    command = f"setsid sh -c 'echo $$ $PPID > {begun}.new; mv {begun}.new {begun}; sleep 300' & wait"
    agent = subprocess.Popen([sys.executable, "-c", HOLD_A_SHELL, command], cwd=Path(__file__).parents[3])
    until(begun.exists)
    agent.send_signal(number)
    agent.wait()
    until(lambda: not any(exists(int(pid)) for pid in begun.read_text().split()))


async def test_a_warden_that_dies_is_an_error_and_not_a_result() -> None:
    async with a_shell() as shell:
        with pytest.raises(ShellError, match="has died"):
            await shell.run("kill -9 $PPID; sleep 300")


async def test_what_a_command_has_started_that_kills_its_warden_is_ended(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    leaves = f"setsid sleep 300 & echo $! >{pids}; echo $$ >>{pids}; kill -9 $PPID; sleep 300"
    async with a_shell() as shell:
        with pytest.raises(ShellError, match="has died"):
            await shell.run(leaves)
        started = [int(pid) for pid in pids.read_text().split()]
        assert len(started) == 2
        assert not any(exists(pid) for pid in started)


async def test_a_signal_meant_for_all_does_not_end_the_warden() -> None:
    async with a_shell() as shell:
        result = await shell.run("kill -TERM $PPID; kill -INT $PPID; kill -HUP $PPID; echo still here")
        assert result.text == "exit status 0\nstill here"
        assert (await shell.run("echo again")).text == "exit status 0\nagain"


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
async def test_commands_can_be_ended_by_signals_as_everywhere(name: str) -> None:
    async with a_shell() as shell:
        result = await shell.run(f"kill -{name} $$; echo survived")
    assert result.exit_status == 128 + getattr(signal, f"SIG{name}")


async def test_a_command_that_cannot_be_started_is_an_error() -> None:
    async with a_shell() as shell:
        with pytest.raises(ShellError, match="could not be started"):
            await shell.run("echo \0")
        assert (await shell.run("echo well")).exit_status == 0


def test_no_descriptor_of_the_agent_reaches_a_command(tmp_path: Path) -> None:
    async def run() -> str:
        with (tmp_path / "file").open("w") as file:
            os.set_inheritable(file.fileno(), True)
            async with Shell(ENVIRONMENT, timeout=60, mask=str, lifeline=[file.fileno()]) as shell:
                return (await shell.run("ls /proc/self/fd")).text

    # 3 is the directory that ls itself reads.
    assert asyncio.run(run()) == "exit status 0\n0\n1\n2\n3"
