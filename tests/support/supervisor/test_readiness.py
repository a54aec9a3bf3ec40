import json
import subprocess
import sys

import anyio
import pytest

from support.supervisor import All, Any_, DiedEarly, Http, LogLine, NotReady, Port, Succeeds, reserve_port

pytestmark = pytest.mark.anyio

# Answers 503 to the first requests, then what it is told to.
SERVER = """
import http.server, sys
answers = [503, 503]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(answers.pop() if answers else 200)
        self.end_headers()
        self.wfile.write(sys.argv[2].encode())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


async def test_ready_by_log_line_on_either_stream(supervisor, python):
    program = "import sys, time; print('up', file=sys.stderr); time.sleep(60)"
    process = await supervisor.start(python(program, ready=LogLine("^up$")))
    assert process.alive


async def test_ready_by_http_status_and_body(supervisor, python):
    with reserve_port() as port:
        body = {"status": "ok", "redis": {"up": True}}
        url = f"http://127.0.0.1:{port.number}/health"
        ready = Http(url, json={"redis": {"up": True}})
        process = await supervisor.start(python(SERVER, str(port.number), json.dumps(body), ready=ready))
        assert process.alive
        assert len(list(process.output.stderr.lines(" 503 "))) == 2


async def test_http_with_another_body_is_not_ready(supervisor, python):
    with reserve_port() as port:
        ready = Http(f"http://127.0.0.1:{port.number}/health", json={"status": "ok"})
        server = await supervisor.spawn(python(SERVER, str(port.number), '{"status": "sick"}'))
        seen: dict[str, str] = {}
        done = False

        async def wait():
            nonlocal done
            await ready.reached(server, seen)
            done = True

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            while len(list(server.output.lines(" 200 "))) < 4:  # noqa: ASYNC110
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        assert not done
        assert seen[str(ready)] == 'HTTP 200 {"status": "sick"}'


async def test_ready_by_port(supervisor, python):
    with reserve_port() as port:
        process = await supervisor.start(
            python(SERVER, str(port.number), "", ready=Port(port.number), ready_within=60)
        )
        assert process.alive


async def test_ready_by_a_command_that_succeeds(supervisor, shell, tmp_path):
    script = "sleep 0.1; touch here; sleep 60"
    process = await supervisor.start(shell(script, ready=Succeeds("test", "-e", "here")))
    assert process.alive
    assert (tmp_path / "here").exists()


async def test_the_command_of_a_readiness_is_gone_when_the_wait_is(supervisor, shell, alive, token):
    hanging = Succeeds(
        "bash", "-c", f"setsid bash -c 'sleep 300; : {token}' & echo waiting; sleep 300; : {token}"
    )
    with pytest.raises(NotReady, match="has not ended yet"):
        await supervisor.start(shell("sleep 60", ready=hanging, ready_within=0.5))
    assert not alive(token)


async def test_all_waits_for_every_one(supervisor, python, tmp_path):
    program = """
        import signal, time, pathlib
        print("one")
        while not pathlib.Path("go").exists(): time.sleep(0.01)
        print("two")
        time.sleep(60)
    """
    ready = All(LogLine("one"), LogLine("two"))
    process = await supervisor.spawn(python(program, ready=ready))
    done = False

    async def wait():
        nonlocal done
        await process.ready()
        done = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await process.output.line("one", within=60)
        await anyio.wait_all_tasks_blocked()
        assert not done
        (tmp_path / "go").touch()
    assert done


async def test_any_is_content_with_one(supervisor, python):
    ready = Any_(LogLine("never"), LogLine("up"), Succeeds("false"))
    process = await supervisor.start(python("import time; print('up'); time.sleep(60)", ready=ready))
    assert process.alive


@pytest.mark.parametrize(
    "ready",
    [
        LogLine("up"),
        Http("http://127.0.0.1:1/"),
        Port(1),
        Succeeds("false"),
        Succeeds("sleep", "1000"),
        All(LogLine("up"), Port(1)),
        Any_(LogLine("up"), Port(1)),
    ],
    ids=str,
)
async def test_an_early_death_is_told_at_once_with_status_and_last_lines(supervisor, python, ready):
    program = "import sys; print('config missing', file=sys.stderr); sys.exit(78)"
    with anyio.fail_after(60):
        with pytest.raises(DiedEarly) as failure:
            await supervisor.start(python(program, name="agent", ready=ready, ready_within=1e9))
    message = str(failure.value)
    assert "agent ended before it was ready (exit status 78" in message
    assert "stderr | config missing" in message
    assert str(ready) in message
    assert failure.value.exit.status == 78


async def test_a_late_death_before_readiness_is_a_death_too(supervisor, python):
    program = "import os, time; time.sleep(0.3); print('giving up'); os.kill(os.getpid(), 9)"
    with pytest.raises(DiedEarly, match="killed by SIGKILL") as failure:
        await supervisor.start(python(program, ready=LogLine("^up$")))
    assert "stdout | giving up" in str(failure.value)


async def test_not_ready_in_time_says_what_was_seen_last_and_kills_the_process(
    supervisor, python, alive, token
):
    ready = All(LogLine("up"), Port(1), Succeeds("sh", "-c", "echo not today; exit 7"))
    program = "import time; print('working on it'); time.sleep(60)"
    with pytest.raises(NotReady) as failure:
        await supervisor.start(python(program, token, name="pd0", ready=ready, ready_within=2))
    message = str(failure.value)
    for part in (
        "pd0 was not ready within 2 s",
        "a line matching 'up': not printed",
        "a listener on 127.0.0.1:1: ",
        "exit status 7 not today",
        "process: alive",
        "stdout | working on it",
    ):
        assert part in message
    assert not alive(token)


async def test_a_cancelled_start_leaves_no_process(supervisor, shell, alive, token):
    command = shell("setsid sleep 300 & sleep 300; : $1", token, ready=LogLine("never"))
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(supervisor.start, command)
            while not alive(token):  # noqa: ASYNC110
                await anyio.sleep(0.01)
            scope.cancel()
    assert supervisor.processes[0].exit is not None
    assert not supervisor.processes[0].descendants()
    assert not alive(token)


async def test_side_by_side_is_as_fast_as_the_slowest(supervisor, python):
    program = "import sys, time; time.sleep(0.2); print('up'); time.sleep(60)"
    processes = [
        await supervisor.spawn(python(program, name=f"node{n}", ready=LogLine("up"))) for n in range(4)
    ]
    async with anyio.create_task_group() as tasks:
        for process in processes:
            tasks.start_soon(process.ready)
    assert all(process.alive for process in processes)


def test_importing_the_supervisor_does_not_import_httpx():
    code = "import sys, support.supervisor; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
