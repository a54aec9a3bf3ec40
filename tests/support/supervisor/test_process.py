import os
import signal
import time

import anyio
import pytest

from support.supervisor import CannotStart, Command, Exit, LogLine, ProcessInfo, Supervisor, Terminal

pytestmark = pytest.mark.anyio

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("no"))
print("up")
while True: time.sleep(60)
"""


async def test_the_exit_status_is_told(supervisor, python):
    process = await supervisor.spawn(python("raise SystemExit(7)"))
    exit_ = await process.wait()
    assert (exit_.status, exit_.signal, str(exit_)) == (7, None, "exit status 7")
    assert not process.alive
    assert process.exit == exit_


async def test_the_deadly_signal_is_told(supervisor, python):
    process = await supervisor.spawn(python("import os; os.kill(os.getpid(), 6)"))
    exit_ = await process.wait()
    assert (exit_.status, exit_.signal, str(exit_)) == (None, signal.SIGABRT, "killed by SIGABRT")


def test_exits_without_a_name_are_told_too():
    assert str(Exit(status=None, signal=40, at=0)) == "killed by signal 40"
    assert str(Exit(status=None, signal=None, at=0)) == "exit status unknown"


async def test_an_exit_status_that_other_code_took_is_unknown(supervisor, python):
    process = await supervisor.start(python("import time; print('up'); time.sleep(60)", ready=LogLine("up")))
    process.signal(signal.SIGKILL)
    os.waitpid(process.pid, 0)  # noqa: ASYNC222
    assert str(await process.wait()) == "exit status unknown"


async def test_a_zombie_does_not_count_as_alive(supervisor, python):
    process = await supervisor.start(python("import time; print('up'); time.sleep(60)", ready=LogLine("up")))
    process.signal(signal.SIGKILL)
    # The event loop has no turn in which it could reap the process.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222
    assert not process.alive


async def test_last_words_are_there_as_soon_as_the_end_is_known(supervisor, python):
    process = await supervisor.spawn(
        python("import os; os.write(1, b'x' * 60000); os.write(2, b'last words')")
    )
    # The event loop has no turn in which it could read anything.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222
    assert process.exit is not None
    assert process.output.over
    assert process.output.stdout.path.read_bytes() == b"x" * 60000
    assert process.output.stderr.path.read_bytes() == b"last words"


async def test_nothing_is_inherited(supervisor, shell, monkeypatch):
    monkeypatch.setenv("LEAK", "1")
    process = await supervisor.spawn(
        shell("cat /proc/$$/environ; ls -l /proc/$$/fd", env={"A": "b", "PATH": os.defpath})
    )
    await process.wait()
    printed = process.output.stdout.path.read_text()
    names = {word.partition("=")[0] for word in printed.rpartition("\0")[0].split("\0")}
    assert names == {"A", "PATH", "SUPERVISED_BY"}
    targets = [line.partition("-> ")[2] for line in printed.rpartition("\0")[2].splitlines() if "->" in line]
    assert len([target for target in targets if "pipe:" in target]) == 2
    assert "/dev/null" in targets


@pytest.mark.parametrize("terminal", [False, True])
async def test_a_program_that_does_not_exist_cannot_start(supervisor, tmp_path, terminal):
    command = Command(
        name="redis",
        argv=["no-such-program"],
        cwd=tmp_path,
        env={"PATH": "/nowhere"},
        terminal=Terminal() if terminal else None,
    )
    with pytest.raises(
        CannotStart, match=r"redis cannot start: there is no no-such-program on its PATH \(/nowhere\)"
    ):
        await supervisor.spawn(command)
    assert supervisor.processes == ()


async def test_a_program_in_a_missing_directory_cannot_start(supervisor, python, tmp_path):
    with pytest.raises(CannotStart, match=r"working directory .*gone does not exist"):
        await supervisor.spawn(python("", cwd=tmp_path / "gone"))


async def test_a_file_that_is_no_program_cannot_start(supervisor, tmp_path):
    (tmp_path / "text").write_text("hello")
    with pytest.raises(CannotStart, match="Permission denied"):
        await supervisor.spawn(Command(name="text", argv=[str(tmp_path / "text")], cwd=tmp_path, env={}))


async def test_term_comes_first(supervisor, python):
    program = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("bye"))
        print("up")
        time.sleep(60)
    """
    process = await supervisor.start(python(program, ready=LogLine("up")))
    assert (await process.stop()).status == 1
    assert process.output.stderr.tail() == ["bye"]


async def test_kill_comes_after_the_grace(supervisor, python):
    process = await supervisor.start(python(STUBBORN, ready=LogLine("up"), grace=0.2))
    began = time.monotonic()
    assert (await process.stop()).signal == signal.SIGKILL
    assert time.monotonic() - began >= 0.2
    assert process.output.tail() == ["up", "no"]


async def test_kill_does_not_ask(supervisor, python):
    process = await supervisor.start(python(STUBBORN, ready=LogLine("up")))
    assert (await process.kill()).signal == signal.SIGKILL
    assert process.output.tail() == ["up"]


async def test_stopping_twice_is_stopping_once(supervisor, python):
    process = await supervisor.start(python("import time; print('up'); time.sleep(60)", ready=LogLine("up")))
    first = await process.stop()
    assert await process.stop() == first
    assert await process.kill() == first


async def test_a_signal_reaches_the_process_alone(supervisor, shell):
    script = """
        sh -c 'trap "echo child" USR1; echo up; while :; do sleep 0.01; done' &
        trap 'echo got it' USR1
        wait
        wait
    """
    process = await supervisor.start(shell(script, ready=LogLine("up")))
    process.signal(signal.SIGUSR1)
    await process.output.line("got it", within=30)
    assert not list(process.output.lines("child"))


async def test_pause_stops_the_whole_tree_and_resume_lets_it_go_on(supervisor, shell, eventually):
    script = "(while :; do echo child; sleep 0.01; done) & while :; do echo parent; sleep 0.01; done"
    process = await supervisor.start(shell(script, ready=LogLine("child")))
    process.pause()
    members = {process.pid, *(info.pid for info in process.descendants())}
    assert len(members) >= 2
    # SIGSTOP takes effect when a process next comes out of the kernel.
    await eventually(lambda: all(state(pid) == "T" for pid in members))
    assert process.paused
    mark = process.output.mark()
    await process.output.never("", since=mark, for_=0.2)
    process.resume()
    await process.output.line("child", since=mark, within=30)
    await process.output.line("parent", since=mark, within=30)
    assert not process.paused


async def test_a_paused_tree_can_be_stopped(supervisor, shell):
    process = await supervisor.start(
        shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done")
    )
    await process.output.line("up", within=30)
    process.pause()
    assert (await process.stop(grace=30)).status == 0
    assert "bye" in process.output.tail()


async def test_a_paused_tree_goes_with_its_supervisor(tmp_path, shell, alive, token):
    async with Supervisor(tmp_path / "spools") as supervisor:
        process = await supervisor.start(
            shell("sleep 300 & echo up; sleep 300; : $1", token, ready=LogLine("up"))
        )
        process.pause()
    assert not alive(token)


async def test_wait_does_not_hang_on_a_pipe_that_a_grandchild_holds(supervisor, shell):
    process = await supervisor.spawn(shell("sleep 300 & echo last words; exit 3"))
    with anyio.fail_after(60):
        assert (await process.wait()).status == 3
    assert process.output.tail() == ["last words"]
    assert len(process.descendants()) == 1
    with anyio.fail_after(60):
        assert (await process.stop()).status == 3
    assert process.descendants() == ()


async def test_wait_does_not_hang_on_a_grandchild_that_floods_the_pipe(supervisor, shell):
    process = await supervisor.spawn(shell("echo first; yes & exit 3"))
    with anyio.fail_after(60):
        assert (await process.wait()).status == 3
        await process.stop()
    assert next(process.output.lines()).text == "first"


async def test_what_a_grandchild_prints_after_the_exit_is_captured(supervisor, shell, tmp_path):
    process = await supervisor.spawn(
        shell("(while ! [ -e go ]; do sleep 0.01; done; echo late; touch said; sleep 300) & exit 0")
    )
    await process.wait()
    (tmp_path / "go").touch()
    while not (tmp_path / "said").exists():  # noqa: ASYNC110
        await anyio.sleep(0.01)
    await process.stop()
    assert process.output.tail() == ["late"]


async def test_all_output_of_a_process_is_there_when_wait_returns(supervisor, python):
    for number in range(30):
        process = await supervisor.spawn(
            python("import os; os.write(1, b'x' * 65536); os.write(2, b'y\\n' * 20000)")
        )
        await process.wait()
        assert process.output.stdout.path.stat().st_size == 65536, number
        assert process.output.stderr.path.stat().st_size == 40000, number


def state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0]


async def test_descendants_say_who_they_are(supervisor, shell, eventually):
    process = await supervisor.start(shell("sleep 300 & echo up; wait", ready=LogLine("up")))
    await eventually(lambda: [info.command for info in process.descendants()] == ["sleep"])
    (child,) = process.descendants()
    assert isinstance(child, ProcessInfo)
    assert (child.command, child.parent, child.session) == ("sleep", process.pid, process.pid)


async def test_nothing_that_we_hold_open_is_inherited(tmp_path, python):
    ours = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(ours, True)
    try:
        async with Supervisor(tmp_path) as supervisor:
            held = await supervisor.spawn(python("import os; print(sorted(os.listdir('/proc/self/fd')))"))
            assert (
                await held.output.line("", within=10)
            ).text == "['0', '1', '2', '3']"  # 3: the listing's own
    finally:
        os.close(ours)
