import os

import pytest

from support.supervisor import LogLine, ProcessError, Terminal

pytestmark = pytest.mark.anyio

SCREEN = """
import os
opened = os.open("/dev/tty", os.O_RDWR) > 2
print("tty", [os.isatty(fd) for fd in (0, 1, 2)], opened, os.getsid(0) == os.getpid())
print("size", *os.get_terminal_size())
while True:
    try:
        print("typed", repr(input("name? ")))
    except EOFError:
        break
print("end")
"""


async def test_a_program_sees_a_terminal_of_the_size_it_was_given(supervisor, python):
    process = await supervisor.spawn(python(SCREEN, terminal=Terminal(columns=100, rows=30)))
    line = await process.output.line(r"^tty \[True, True, True\] True True$", within=30)
    assert line.stream == "terminal"
    await process.output.line("^size 100 30$", within=30)


async def test_a_prompt_without_a_newline_is_a_line_one_can_wait_for(supervisor, python):
    process = await supervisor.start(python(SCREEN, terminal=Terminal(), ready=LogLine(r"name\?")))
    assert process.output.tail(1) == ["name? "]


async def test_keys_reach_the_program(supervisor, python):
    process = await supervisor.start(python(SCREEN, terminal=Terminal(), ready=LogLine(r"name\?")))
    mark = process.output.mark()
    process.write("é\r".encode())
    await process.output.line("typed 'é'", since=mark, within=30)
    process.write(b"\x04")
    await process.output.line("^(name[?] )?end", since=mark, within=30)
    assert (await process.wait()).status == 0


async def test_control_c_interrupts_the_program(supervisor, shell):
    script = "trap 'echo interrupted; exit 7' INT; echo up; while :; do sleep 0.01; done"
    process = await supervisor.start(shell(script, terminal=Terminal(), ready=LogLine("up")))
    process.write(b"\x03")
    await process.output.line("interrupted", within=30)
    assert (await process.wait()).status == 7


async def test_a_resize_reaches_the_program(supervisor, python):
    program = """
        import os, signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
        print("up")
        while signal.sigwait([signal.SIGWINCH]):
            print("size", *os.get_terminal_size(), "now")
    """
    process = await supervisor.start(python(program, terminal=Terminal(), ready=LogLine("up")))
    process.resize(columns=132, rows=43)
    await process.output.line("^size 132 43 now$", within=30)


async def test_colours_are_kept(supervisor, python):
    program = "import os; print('\\x1b[1;31mred\\x1b[0m' if os.environ['TERM'] != 'dumb' else 'grey')"
    process = await supervisor.spawn(python(program, terminal=Terminal()))
    await process.wait()
    assert process.output.terminal.path.read_bytes() == b"\x1b[1;31mred\x1b[0m\r\n"
    assert process.output.tail() == ["\x1b[1;31mred\x1b[0m"]


async def test_nothing_is_lost_when_a_program_prints_and_leaves(supervisor, shell):
    script = "(trap '' HUP; sleep 300) & for i in {1..400}; do echo line $i; done; exit 3"
    for _ in range(20):
        process = await supervisor.spawn(shell(script, terminal=Terminal()))
        assert (await process.wait()).status == 3
        assert [line.text for line in process.output.lines("^line")] == [f"line {n}" for n in range(1, 401)]
        assert process.output.tail(1) == ["line 400"]
        await process.stop()


async def test_the_environment_of_a_program_on_a_terminal_is_what_it_was_given(supervisor, shell):
    process = await supervisor.spawn(
        shell("tr '\\0' '\\n' < /proc/$$/environ", env={"A": "b", "PATH": os.defpath}, terminal=Terminal())
    )
    await process.wait()
    names = {line.text.partition("=")[0] for line in process.output.lines()}
    assert names == {"A", "PATH", "SUPERVISED_BY"}


async def test_a_tree_on_a_terminal_is_killed_whole(supervisor, shell, alive, token):
    script = "setsid bash -c 'sleep 300; :' $1 & trap '' HUP; sleep 300 & echo up; wait; : $1"
    process = await supervisor.start(shell(script, token, terminal=Terminal(), ready=LogLine("up")))
    await process.kill()
    assert not alive(token)
    assert process.descendants() == ()


async def test_typing_at_a_program_that_does_not_listen_fails_instead_of_blocking(supervisor, python):
    program = "import time, tty; tty.setraw(0); print('up'); time.sleep(300)"
    process = await supervisor.start(python(program, name="demo", terminal=Terminal(), ready=LogLine("up")))
    with pytest.raises(ProcessError, match="demo has not read what was typed before"):  # noqa: PT012
        for _ in range(1000):
            process.write(b"x" * 1000)


async def test_typing_needs_a_terminal(supervisor, python):
    process = await supervisor.spawn(python("pass"))
    with pytest.raises(ProcessError, match="without a terminal"):
        process.write(b"x")
    ended = await supervisor.spawn(python("pass", terminal=Terminal()))
    await ended.wait()
    with pytest.raises(ProcessError, match="is closed"):
        ended.resize(10, 10)


async def test_a_program_whose_terminal_is_closed_is_told(supervisor, shell, tmp_path):
    script = f"trap 'echo told > {tmp_path}/told; exit 0' HUP; echo up; while :; do sleep 0.01; done"
    process = await supervisor.start(shell(script, terminal=Terminal(), ready=LogLine("up")))
    process.hang_up()
    await process.wait()
    assert (tmp_path / "told").exists()
    with pytest.raises(ProcessError, match="is closed"):
        process.hang_up()


async def test_the_bytes_of_a_terminal_can_be_followed(supervisor, shell):
    process = await supervisor.spawn(shell(r"printf 'a\033[1mb'; printf 'c\n'", terminal=Terminal()))
    pieces = [piece async for piece in process.output.terminal.data()]
    assert b"".join(pieces) == b"a\x1b[1mbc\r\n"
