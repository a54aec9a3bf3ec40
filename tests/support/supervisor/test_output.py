import asyncio
import hashlib
import random
import re
import time

import anyio
import anyio.lowlevel
import pytest

from support.supervisor import DiedEarly, LogLine, NotSeen, Unexpected

pytestmark = pytest.mark.anyio

# Prints a line whenever it gets SIGUSR1.
COUNTER = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("ready")
number = 0
while signal.sigwait([signal.SIGUSR1]):
    number += 1
    print("number", number)
"""
USR1 = 10


async def test_a_line_printed_before_anybody_asked_is_found(supervisor, python):
    process = await supervisor.spawn(python("print('one'); print('two 2')"))
    await process.wait()
    line = await process.output.line(r"two (\d)", within=5)
    assert (line.text, line.number, line.offset, line.stream) == ("two 2", 2, 4, "stdout")
    assert line.match[1] == "2"


async def test_a_line_that_comes_later_is_waited_for(supervisor, python):
    process = await supervisor.start(python(COUNTER, ready=LogLine("ready")))
    found = []

    async def wait():
        found.append(await process.output.line("number 1", within=30))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert not found
        process.signal(USR1)
    assert found[0].text == "number 1"


async def test_since_a_mark_only_later_lines_count(supervisor, python):
    process = await supervisor.start(python(COUNTER, ready=LogLine("ready")))
    process.signal(USR1)
    await process.output.line("number 1", within=30)
    mark = process.output.mark()
    process.signal(USR1)
    line = await process.output.line("number", since=mark, within=30)
    assert (line.text, line.number) == ("number 2", 3)
    assert [line.text for line in process.output.lines(since=mark)] == ["number 2"]


async def test_what_lies_in_the_pipe_unread_is_before_the_mark(supervisor, python, eventually):
    process = await supervisor.start(
        python("import sys, pathlib; print('a'); sys.stdin.read(); print('b'); pathlib.Path('done').touch()")
    )
    while not (process.command.cwd / "done").exists():
        pass  # the event loop stands still, so nobody can have read the lines
    mark = process.output.mark()
    assert [line.text for line in process.output.lines()] == ["a", "b"]
    with pytest.raises(NotSeen):
        await process.output.line("b", since=mark, within=5)


async def test_waiting_does_not_poll(supervisor, python):
    process = await supervisor.start(python(COUNTER, ready=LogLine("ready")))
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    turns = 0
    select = selector.select

    def counting(timeout=None):
        nonlocal turns
        turns += 1
        return select(timeout)

    selector.select = counting
    with pytest.raises(NotSeen):
        await process.output.line("number", within=0.5)
    selector.select = select
    assert turns < 10


async def test_what_was_printed_in_time_counts_though_the_event_loop_was_too_busy_to_look(
    supervisor, python, tmp_path
):
    process = await supervisor.start(
        python(
            """
            import pathlib, signal
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            print("ready")
            signal.sigwait([signal.SIGUSR1])
            print("here")
            pathlib.Path("done").touch()
            signal.pause()
            """,
            ready=LogLine("ready"),
        )
    )
    found = []

    async def wait():
        found.append(await process.output.line("here", within=0.1))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.lowlevel.checkpoint()  # it waits now
        began = time.monotonic()
        process.signal(USR1)
        while not (tmp_path / "done").exists() or time.monotonic() < began + 0.2:
            pass
    assert found[0].text == "here"


async def test_not_seen_tells_what_was_waited_for_and_what_there_is(supervisor, python):
    process = await supervisor.start(
        python(
            "import sys, time; print('out'); print('err', file=sys.stderr); print('up'); time.sleep(60)",
            name="monitor",
            ready=LogLine("up"),
        )
    )
    with pytest.raises(NotSeen) as failure:
        await process.output.line("ticket [0-9]+", within=0.05)
    message = str(failure.value)
    for part in (
        "monitor printed no line matching 'ticket [0-9]+' within 0.05 s",
        f"process: alive, pid {process.pid}",
        "stdout | out",
        "stderr | err",
        str(process.output.stdout.path),
        str(process.output.stderr.path),
    ):
        assert part in message


async def test_a_wait_ends_at_once_when_the_process_ends_without_the_line(supervisor, python):
    process = await supervisor.spawn(python("print('last words'); raise SystemExit(3)"))
    with anyio.fail_after(60):
        with pytest.raises(NotSeen) as failure:
            await process.output.line("never", within=1e9)
    assert "before its output ended" in str(failure.value)
    assert "process: exit status 3" in str(failure.value)
    assert "last words" in str(failure.value)


async def test_the_last_line_needs_no_newline(supervisor, python):
    process = await supervisor.spawn(python("import os; os.write(1, b'whole\\nunfinished')"))
    line = await process.output.line("unfinished", within=30)
    assert (line.number, line.offset) == (2, 6)
    assert process.output.tail() == ["whole", "unfinished"]


async def test_a_line_is_not_seen_before_it_is_whole(supervisor, python):
    process = await supervisor.start(
        python(
            "import os, time; os.write(1, b'half'); os.write(2, b'up\\n'); time.sleep(60)",
            ready=LogLine("up"),
        )
    )
    with pytest.raises(NotSeen):
        await process.output.line("half", within=0.2)


async def test_following_gives_every_matching_line_until_the_output_is_over(supervisor, python):
    process = await supervisor.start(python(COUNTER, ready=LogLine("ready")))
    process.signal(USR1)
    await process.output.line("number 1", within=30)
    found = []
    async for line in process.output.follow("number", since=None):
        found.append(line.text)
        if len(found) < 4:
            process.signal(USR1)
        else:
            await process.kill()
    assert found == [f"number {n}" for n in range(1, 5)]


async def test_never_passes_when_nothing_comes(supervisor, python):
    process = await supervisor.start(python(COUNTER, ready=LogLine("ready")))
    await process.output.never("number", for_=0.1)


async def test_never_fails_on_the_line(supervisor, python):
    process = await supervisor.start(python(COUNTER, ready=LogLine("ready")))
    mark = process.output.mark()
    process.signal(USR1)
    with anyio.fail_after(60):
        with pytest.raises(Unexpected, match="number 1") as failure:
            await process.output.never("number", since=mark, for_=1e9)
    assert failure.value.line.text == "number 1"


async def test_the_silence_of_the_dead_proves_nothing(supervisor, python):
    process = await supervisor.spawn(python("raise SystemExit(4)"))
    with anyio.fail_after(60):
        with pytest.raises(DiedEarly, match="exit status 4"):
            await process.output.never("number", for_=1e9)


async def test_stdout_and_stderr_are_told_apart(supervisor, python):
    process = await supervisor.spawn(
        python("import sys; print('one'); print('two', file=sys.stderr); print('three')")
    )
    await process.wait()
    assert process.output.stdout.tail() == ["one", "three"]
    assert process.output.stderr.tail() == ["two"]
    assert process.output.stdout.path.read_bytes() == b"one\nthree\n"
    assert process.output.stderr.path.read_bytes() == b"two\n"
    with pytest.raises(NotSeen):
        await process.output.stdout.line("two", within=5)
    with pytest.raises(LookupError, match="no terminal"):
        _ = process.output.terminal


async def test_lines_of_both_streams_come_in_the_order_of_their_times(supervisor, python):
    process = await supervisor.start(
        python(
            """
            import signal, sys
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            print("ready")
            for number in range(6):
                signal.sigwait([signal.SIGUSR1])
                print(number, file=(sys.stdout, sys.stderr)[number % 2])
            """,
            ready=LogLine("ready"),
        )
    )
    for number in range(6):
        process.signal(USR1)
        await process.output.line(f"^{number}$", within=30)
    await process.wait()
    lines = list(process.output.lines(r"\d"))
    assert [line.text for line in lines] == list("012345")
    assert [line.stream for line in lines] == ["stdout", "stderr"] * 3
    assert [line.at for line in lines] == sorted(line.at for line in lines)


async def test_a_child_that_closes_stdout_early_goes_on(supervisor, python):
    process = await supervisor.spawn(
        python("import os; print('a'); os.close(1); os.write(2, b'b\\n'); os.close(2); os._exit(5)")
    )
    assert (await process.output.line("b", within=30)).stream == "stderr"
    assert (await process.wait()).status == 5
    assert process.output.stdout.tail() == ["a"]


async def test_binary_output_is_kept_byte_for_byte(supervisor, python):
    process = await supervisor.spawn(
        python("import os; os.write(1, bytes(range(256)) * 8 + b'\\n\\0\\xff needle \\xfe\\n')")
    )
    line = await process.output.line("needle", within=30)
    assert line.text == "\0� needle �"
    await process.wait()
    assert process.output.stdout.path.read_bytes() == bytes(range(256)) * 8 + b"\n\0\xff needle \xfe\n"


async def test_a_line_of_10_megabytes_is_matched_at_its_head_and_kept_whole(supervisor, python):
    process = await supervisor.spawn(
        python("import sys; sys.stdout.write('head ' + 'x' * 10_000_000 + ' tail\\nnext\\n')")
    )
    line = await process.output.line("head", within=60)
    assert len(line.text) == 64 * 1024
    assert (await process.output.line("next", within=60)).number == 2
    assert not list(process.output.lines("tail"))
    await process.wait()
    assert process.output.stdout.path.stat().st_size == 10_000_000 + len("head  tail\nnext\n")
    assert [text[-5:] for text in process.output.tail()] == ["xxxxx", "next"]


FLOOD = """
import os, random
lines = b"".join(b"%079d\\n" % random.Random(1).getrandbits(200) for _ in range(10_000))
for number in range(250):
    data = memoryview(b"block %d\\n" % number + lines)
    while data:
        data = data[os.write(1, data):]
os.write(1, b"end\\n")
"""


async def test_a_flood_is_kept_whole_in_bounded_memory(supervisor, python):
    before = resident()
    process = await supervisor.spawn(python(FLOOD))
    last = await process.output.line("^end$", within=300)
    await process.wait()
    assert resident() - before < 32
    expected = hashlib.sha256()
    lines = b"".join(b"%079d\n" % random.Random(1).getrandbits(200) for _ in range(10_000))
    for number in range(250):
        expected.update(b"block %d\n" % number + lines)
    expected.update(b"end\n")
    with process.output.stdout.path.open("rb") as spool:
        assert hashlib.file_digest(spool, "sha256").hexdigest() == expected.hexdigest()
    assert last.number == 250 * 10_001 + 1


async def test_a_flood_does_not_keep_others_from_their_lines(supervisor, python, shell):
    counter = await supervisor.start(python(COUNTER, ready=LogLine("ready")))
    flood = await supervisor.spawn(shell("yes", name="flood"))
    await flood.output.line("y", within=30)
    for number in range(1, 21):
        counter.signal(USR1)
        await counter.output.line(f"number {number}$", within=30)
        assert flood.alive
    before = flood.output.stdout.path.stat().st_size
    counter.signal(USR1)
    await counter.output.line("number 21$", within=30)
    await flood.output.line("y", since=flood.output.mark(), within=30)
    assert flood.output.stdout.path.stat().st_size > before
    await flood.kill()


async def test_a_program_may_print_after_its_ready_line_as_much_as_it_likes(supervisor, python):
    process = await supervisor.start(
        python("print('up')\nfor _ in range(3000): print('x' * 1000)\nprint('done')", ready=LogLine("up"))
    )
    await process.output.line("done", within=60)
    assert (await process.wait()).status == 0


async def test_a_pattern_may_be_compiled_with_flags(supervisor, python):
    process = await supervisor.spawn(python("print('LOUD')"))
    assert (await process.output.line(re.compile("loud", re.IGNORECASE), within=30)).text == "LOUD"


def resident() -> float:
    """MiB."""
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * 4096 / 2**20
