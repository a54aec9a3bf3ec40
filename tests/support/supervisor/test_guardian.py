import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from support.supervisor import Command, Guardian, GuardianFailed, Supervisor, sweep
from support.supervisor.leftovers import read_process

REPOSITORY = ":".join(sys.path)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def kill(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(gone(pid) for pid in pids))


def wait_until(what):
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.01)


@pytest.fixture
def sleeper():
    """Starts a child of this process that stays."""
    children = []

    def start(*, cwd="/", env=None):
        child = subprocess.Popen(["sleep", "300"], cwd=cwd, env=env or {}, start_new_session=True)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.wait()


def test_a_run_has_a_directory_of_its_own_that_goes_with_it(home):
    with Guardian.start(home) as guardian:
        assert guardian.directory.parent == home
        assert guardian.directory.stat().st_mode & 0o777 == 0o700
        (guardian.directory / "file").write_text("x")
    assert list(home.iterdir()) == []
    assert guardian.removed == ()


def test_a_directory_without_permissions_goes_too(home):
    with Guardian.start(home) as guardian:
        (guardian.directory / "locked" / "inner").mkdir(parents=True)
        (guardian.directory / "locked").chmod(0)
    assert list(home.iterdir()) == []


def test_what_a_link_in_the_directory_leads_to_stays_as_it_is(home, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o750)
    (outside / "file").write_text("x")
    with Guardian.start(home) as guardian:
        (guardian.directory / "link").symlink_to(outside)
    assert (outside / "file").read_text() == "x"
    assert outside.stat().st_mode & 0o777 == 0o750
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("mark", ["registered", "tagged", "in the directory"])
def test_what_still_runs_at_the_end_is_killed_and_named(home, sleeper, mark):
    with Guardian.start(home) as guardian:
        if mark == "registered":
            child = sleeper()
            guardian.register(read_process(child.pid))
        elif mark == "tagged":
            child = sleeper(env={"SUPERVISED_BY": f"{guardian.tag}/1"})
        else:
            child = sleeper(cwd=guardian.directory)
        stranger = sleeper()
    assert [info.pid for info in guardian.removed] == [child.pid]
    assert child.wait() == -signal.SIGKILL
    assert stranger.poll() is None


def test_a_released_process_is_a_stranger_again(home, sleeper):
    child = sleeper()
    with Guardian.start(home) as guardian:
        guardian.register(read_process(child.pid))
        guardian.release(child.pid)
    assert guardian.removed == ()
    assert child.poll() is None


def test_registered_directories_go_with_the_run_and_whoever_works_in_them(home, tmp_path, sleeper):
    extra = tmp_path / "extra"
    (extra / "below").mkdir(parents=True)
    with Guardian.start(home) as guardian:
        guardian.register_directory(extra)
        child = sleeper(cwd=extra / "below")
    assert [info.pid for info in guardian.removed] == [child.pid]
    assert not extra.exists()


@pytest.mark.parametrize("path", [Path("/"), Path.home(), Path.cwd().parent])
def test_a_directory_that_others_need_cannot_be_registered(home, path):
    with Guardian.start(home) as guardian, pytest.raises(ValueError, match="would be removed"):
        guardian.register_directory(path)


def test_a_home_that_others_can_enter_is_refused(home):
    home.mkdir(mode=0o755)
    with pytest.raises(GuardianFailed, match="mode 0755"):
        Guardian.start(home)


def test_a_home_that_is_a_link_is_refused(home, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    home.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GuardianFailed, match="should be a directory"):
        Guardian.start(home)


def test_closing_twice_is_closing_once(home):
    guardian = Guardian.start(home)
    guardian.close()
    guardian.close()


def test_a_guardian_that_was_killed_leaves_its_work_to_the_harness(home, sleeper):
    guardian = Guardian.start(home)
    child = sleeper()
    guardian.register(read_process(child.pid))
    os.kill(guardian._process.pid, signal.SIGKILL)
    guardian.close()
    assert [info.pid for info in guardian.removed] == [child.pid]
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_the_guardian_does_not_mind_signals_meant_for_the_harness(home, number):
    with Guardian.start(home) as guardian:
        pid = guardian._process.pid
        wait_until(lambda: ignores(pid, number))
        os.kill(pid, number)
        assert os.getsid(pid) == pid
    assert guardian._process.returncode == 0


def ignores(pid, number):
    mask = Path(f"/proc/{pid}/status").read_text().partition("SigIgn:")[2].split()[0]
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_no_process_of_the_run_keeps_the_guardian_waiting(home, sleeper):
    with Guardian.start(home) as guardian:
        pipe = Path(f"/proc/{guardian._process.pid}/fd/0").readlink()
        child = sleeper()
        held = [entry.readlink() for entry in Path(f"/proc/{child.pid}/fd").iterdir()]
        assert pipe not in held


# A harness that prints what it has made, and waits. Its guardian may be killed with it.
HARNESS = """
import sys, subprocess
sys.path[:0] = sys.argv[1].split(":")
from pathlib import Path
from support.supervisor import Guardian
from support.supervisor.leftovers import read_process
guardian = Guardian.start(Path(sys.argv[2]))
child = subprocess.Popen(["sleep", "300"], start_new_session=True, cwd="/", stdout=subprocess.DEVNULL)
guardian.register(read_process(child.pid))
print(guardian._process.pid, child.pid, guardian.directory, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def harness(home):
    started = []

    def start():
        argv = [sys.executable, "-c", textwrap.dedent(HARNESS), REPOSITORY, str(home)]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        guardian, child, directory = process.stdout.readline().split()
        started.append((process, int(child)))
        return process, int(guardian), int(child), Path(directory)

    yield start
    for process, child in started:
        process.kill()
        process.communicate()
        if not gone(child):
            os.kill(child, signal.SIGKILL)


def test_a_harness_that_just_leaves_is_cleared_up_after(harness, home):
    process, guardian, child, _ = harness()
    process.communicate()
    wait_until(lambda: gone(child) and gone(guardian) and not list(home.iterdir()))


def test_a_sweep_finishes_what_harness_and_guardian_could_not(harness, home):
    process, guardian, child, directory = harness()
    kill(guardian, process.pid)
    assert not gone(child)
    (found,) = sweep(home)
    assert found.directory == directory
    assert [info.pid for info in found.processes] == [child]
    wait_until(lambda: gone(child))
    assert list(home.iterdir()) == []


def test_a_sweep_bears_that_a_run_ends_meanwhile(home):
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "0a1b2c3d.registry").symlink_to("what was removed after it was listed")
    assert sweep(home) == []


def test_a_sweep_bears_that_a_run_ends_before_it_is_locked(home, monkeypatch):
    home.mkdir(mode=0o700, exist_ok=True)
    registry = home / "0a1b2c3d.registry"
    registry.write_text("", encoding="utf-8")
    opened = os.open

    def opened_and_removed(path, *arguments, **options):
        found = opened(path, *arguments, **options)
        if path == registry:
            registry.unlink()
        return found

    monkeypatch.setattr(os, "open", opened_and_removed)
    assert sweep(home) == []


def test_a_sweep_leaves_live_runs_alone(harness, home):
    _, guardian, child, directory = harness()
    kill(guardian)
    assert sweep(home) == []
    assert not gone(child)
    assert directory.exists()


def test_a_sweep_leaves_alone_what_a_guardian_is_still_working_on(harness, home):
    process, guardian, child, directory = harness()
    os.kill(guardian, signal.SIGSTOP)
    kill(process.pid)
    assert sweep(home) == []
    assert not gone(child)
    assert directory.exists()
    os.kill(guardian, signal.SIGCONT)
    wait_until(lambda: gone(child) and gone(guardian) and not list(home.iterdir()))


def test_a_sweep_after_a_reboot_kills_nobody(harness, home):
    process, guardian, child, _ = harness()
    kill(guardian, process.pid)
    (registry,) = home.glob("*.registry")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    registry.write_text(registry.read_text().replace(boot, "another"))
    (found,) = sweep(home)
    assert found.processes == ()
    assert not gone(child)
    assert list(home.iterdir()) == []


def test_a_sweep_copes_with_a_registry_that_ends_in_the_middle(harness, home):
    process, guardian, child, _ = harness()
    kill(guardian, process.pid)
    (registry,) = home.glob("*.registry")
    with registry.open("a") as file:
        file.write('{"process": [12')
    assert [info.pid for info in sweep(home)[0].processes] == [child]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        pytest.param(
            b'{"version": 2, "engines": []}\n', "its records are of version 2, not 1", id="another version"
        ),
        pytest.param(b'{"run": "abcd"}\n', "its records are strange: KeyError('directory')", id="less"),
        pytest.param(
            b'{"run": "abcd", "directory": "/abcd", "harness": [1, 1], "boot": ""}\n{"bucket": "x"}\n',
            "its records are strange: KeyError('directory')",
            id="more",
        ),
        pytest.param(b"[7]\n", "its records are strange: AttributeError", id="no records"),
        pytest.param(b"\xff\n", "it has no records", id="no JSON"),
    ],
)
def test_a_sweep_leaves_alone_what_it_does_not_understand_and_goes_on(home, harness, written, reason):
    process, guardian, child, directory = harness()
    kill(guardian, process.pid)
    stranger = home / "0000"
    stranger.mkdir()
    stranger.with_suffix(".registry").write_bytes(written)
    left, swept = sweep(home)
    assert (left.directory, left.processes) == (stranger, ())
    assert left.unknown.startswith(reason)
    assert (swept.directory, swept.unknown) == (directory, "")
    wait_until(lambda: gone(child))
    assert sorted(home.iterdir()) == [stranger, stranger.with_suffix(".registry")]
    assert stranger.with_suffix(".registry").read_bytes() == written


def test_a_sweep_removes_a_run_that_died_before_it_began(home):
    home.mkdir(mode=0o700)
    (home / "abcd.registry").touch()
    (home / "abcd").mkdir()
    sweep(home)
    assert list(home.iterdir()) == []


@pytest.mark.anyio
async def test_supervisor_and_guardian_agree_that_nothing_is_left(home, tmp_path, redis_server):
    with Guardian.start(home) as guardian:
        async with Supervisor(guardian.directory / "spools", guardian=guardian) as supervisor:
            argv = [redis_server, "--port", "0", "--unixsocket", "redis.sock", "--daemonize", "yes"]
            command = Command(name="redis", argv=argv, cwd=guardian.directory, env={})
            redis = await supervisor.spawn(command)
            assert (await redis.wait()).status == 0
            wait_until(lambda: redis.descendants())
            assert [info.command for info in redis.descendants()] == ["redis-server"]
        assert redis.descendants() == ()
    assert guardian.removed == ()
