import asyncio
import os
import threading

import anyio
import pytest

from support.supervisor import CannotStart, DiedEarly, LogLine, NotSeen, Supervisor

pytestmark = pytest.mark.anyio

UP = "import time; print('up'); time.sleep(300)"


async def test_leaving_the_block_stops_everything(tmp_path, python, shell, alive, token):
    async with Supervisor(tmp_path / "spools") as supervisor:
        for number in range(3):
            await supervisor.start(python(UP, token, name=f"node{number}", ready=LogLine("up")))
        await supervisor.spawn(shell("setsid bash -c 'sleep 300; :' $1 & sleep 300", token))
        assert len(alive(token)) >= 3
    assert not alive(token)
    assert [str(process.exit) for process in supervisor.processes[:3]] == ["killed by SIGTERM"] * 3


async def test_a_failure_in_the_block_comes_out_as_it_is(tmp_path, python, alive, token):
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with Supervisor(tmp_path / "spools") as supervisor:
            await supervisor.start(python(UP, token, ready=LogLine("up")))
            _ = 1 / 0
    assert not alive(token)


async def test_cancelling_the_block_stops_everything(tmp_path, python, alive, token):
    reached_the_end = False
    with anyio.CancelScope() as scope:
        async with Supervisor(tmp_path / "spools") as supervisor:
            await supervisor.start(python(UP, token, ready=LogLine("up"), grace=30))
            scope.cancel()
            await anyio.sleep_forever()
        reached_the_end = True
    assert scope.cancelled_caught
    assert not reached_the_end
    assert str(supervisor.processes[0].exit) == "killed by SIGTERM"
    assert not alive(token)


async def test_being_cancelled_while_stopping_does_not_keep_it_from_stopping(tmp_path, python, alive, token):
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(300)"
    with anyio.CancelScope() as scope:
        async with Supervisor(tmp_path / "spools") as supervisor:
            await supervisor.start(python(program, token, ready=LogLine("up"), grace=0.3))
            scope.deadline = anyio.current_time() + 0.1
    assert not alive(token)


async def test_a_broken_listener_to_events_breaks_the_block(tmp_path, python, alive, token):
    def on_event(kind, name, detail):
        if kind == "process.exited":
            raise ZeroDivisionError

    with pytest.raises(BaseExceptionGroup) as failure:  # noqa: PT012
        async with Supervisor(tmp_path / "spools", on_event=on_event) as supervisor:
            await supervisor.start(python(UP, token, ready=LogLine("up"), name="other"))
            await supervisor.spawn(python("pass"))
            await anyio.sleep_forever()
    assert failure.group_contains(ZeroDivisionError)
    assert not alive(token)


async def test_events_tell_of_start_and_exit(tmp_path, python):
    events = []
    async with Supervisor(tmp_path / "spools", on_event=lambda *event: events.append(event)) as supervisor:
        process = await supervisor.spawn(python("raise SystemExit(3)", name="agent"))
        await process.wait()
    (started, exited) = events
    assert started == ("process.started", "agent", {"pid": process.pid})
    seconds = exited[2].pop("seconds")
    assert exited == ("process.exited", "agent", {"status": 3, "signal": None})
    assert 0 < seconds < 60


async def test_all_processes_are_listed_in_order(supervisor, python):
    for name in "abc":
        await supervisor.spawn(python("pass", name=name))
    with pytest.raises(DiedEarly):
        await supervisor.start(python("pass", name="d", ready=LogLine("up")))
    assert [process.name for process in supervisor.processes] == list("abcd")


async def test_a_second_start_of_the_same_name_has_its_own_spools(supervisor, python, tmp_path):
    for number in range(3):
        process = await supervisor.spawn(python(f"print({number})", name="pd0"))
        await process.wait()
        assert process.name == "pd0"
        assert process.output.tail() == [str(number)]
    names = {path.name for path in (tmp_path / "spools").iterdir()}
    spools = {"pd0.stdout", "pd0-2.stdout", "pd0-3.stdout"}
    assert names == spools | {f"{name}.index" for name in spools}
    assert (tmp_path / "spools" / "pd0-2.stdout").read_text() == "1\n"


async def test_supervisors_may_share_a_directory(tmp_path, python):
    fifos = [tmp_path / "a", tmp_path / "b"]
    for fifo in fifos:
        os.mkfifo(fifo)
    waits = "import sys; print(open(sys.argv[1]).read())"
    async with Supervisor(tmp_path) as one, Supervisor(tmp_path) as other:
        supervised = zip((one, other), fifos, strict=True)
        processes = [await each.spawn(python(waits, str(fifo), name="pd0")) for each, fifo in supervised]
        for process, fifo in zip(processes, fifos, strict=True):
            await anyio.to_thread.run_sync(fifo.write_text, f"from {fifo.name}")
            await process.output.line(f"from {fifo.name}", within=60)
    assert {path.name for path in tmp_path.glob("*.stdout")} == {"pd0.stdout", "pd0-2.stdout"}


async def test_what_an_earlier_program_spooled_is_not_overwritten(tmp_path, python):
    (tmp_path / "pd0.stdout").write_text("old\n")
    async with Supervisor(tmp_path) as supervisor:
        process = await supervisor.spawn(python("print('new')", name="pd0"))
        await process.wait()
    assert (tmp_path / "pd0.stdout").read_text() == "old\n"
    assert process.output.stdout.path.read_text() == "new\n"


async def test_the_output_of_a_silent_process_can_be_read(supervisor, python):
    process = await supervisor.spawn(python("import time; time.sleep(0.2)"))
    since = process.output.mark()
    assert [data async for data in process.output.stdout.data()] == []
    assert process.output.tail() == []
    assert list(process.output.lines()) == list(process.output.lines(since=since)) == []
    assert "it printed nothing" in process.output.describe()
    assert "whole output" not in process.output.describe()
    with pytest.raises(NotSeen, match="before its output ended"):
        await process.output.line("x", within=60)


async def test_output_can_be_read_when_all_is_over(tmp_path, python):
    async with Supervisor(tmp_path / "spools") as supervisor:
        process = await supervisor.start(python(UP, ready=LogLine("up")))
    assert process.output.tail() == ["up"]
    assert (await process.output.line("up", within=1)).number == 1


def test_output_can_be_read_while_no_event_loop_runs(tmp_path, python):
    supervisor = Supervisor(tmp_path / "spools")
    with asyncio.Runner() as runner:

        async def life():
            async with supervisor:
                process = await supervisor.spawn(python("print('up'); print('down')"))
                started.set_result(process)
                await closing

        loop = runner.get_loop()
        started, closing = loop.create_future(), loop.create_future()
        task = loop.create_task(life())
        process = loop.run_until_complete(started)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process.output.tail() == ["up", "down"]
        assert str(process.exit) == "exit status 0"
        assert process.output.over
        closing.set_result(None)
        loop.run_until_complete(task)


async def test_secrets_are_masked_before_they_reach_the_disk(tmp_path, python):
    class Mask:
        def __init__(self, source):
            self.source = source.encode()

        def feed(self, data):
            return data.replace(b"hunter2", b"*******").replace(b"source", self.source)

        def flush(self):
            return b""

    async with Supervisor(tmp_path / "spools", mask=Mask) as supervisor:
        process = await supervisor.spawn(python("print('the hunter2 source')", name="agent"))
        line = await process.output.line("source|agent", within=30)
        assert line.text == "the ******* agent.stdout"
    assert b"hunter2" not in b"".join(path.read_bytes() for path in (tmp_path / "spools").iterdir())


async def test_nothing_starts_outside_the_block(tmp_path, python):
    supervisor = Supervisor(tmp_path / "spools")
    with pytest.raises(RuntimeError, match="has not been entered"):
        await supervisor.spawn(python("pass"))
    async with supervisor:
        pass
    with pytest.raises(RuntimeError, match="or is left"):
        await supervisor.spawn(python("pass"))


async def test_a_program_that_cannot_start_leaves_no_descriptor(supervisor, python, tmp_path):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(20):
        with pytest.raises(CannotStart):
            await supervisor.spawn(python("", cwd=tmp_path / "gone"))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


async def test_a_hundred_processes_side_by_side_share_one_thread(supervisor, python, shell):
    threads = threading.active_count()
    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(
                supervisor.start, shell("echo up; sleep 300", name=f"n{number}", ready=LogLine("up"))
            )
    assert threading.active_count() == threads
    assert all(process.alive for process in supervisor.processes)
