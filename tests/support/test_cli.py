"""The `acceptance` command, from outside wherever it starts something."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import cli

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path):
    """Where stacks keep their private directories; the path is short, for unix sockets."""
    directory = Path("/tmp") / f"c{os.getpid()}-{tmp_path.name[-6:]}"
    directory.mkdir(mode=0o700)
    yield directory
    subprocess.run(["rm", "-rf", directory], check=True)


def acceptance(*arguments, home):
    return subprocess.run(
        [sys.executable, "-m", "support.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def a_stack(home):
    """A stack that `acceptance up` has started, and the variables that it told."""
    with subprocess.Popen(
        [sys.executable, "-m", "support.cli", "up", "ratelimiter"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        told = {}
        for line in process.stdout:
            if line.startswith("  export "):
                name, _, text = line.removeprefix("  export ").strip().partition("=")
                told[name] = text.removesuffix(":$PATH")
            if line.startswith("Ctrl-C"):
                break
        try:
            yield process, told
        finally:
            process.terminate()


def left(home):
    return [path for path in home.glob("*/*") if path.exists()]


def wait_until_gone(home):
    end = time.monotonic() + 10
    while left(home):
        assert time.monotonic() < end, left(home)
        time.sleep(0.02)


def test_the_doctor_finds_a_machine_fit_that_has_all_the_default_run_needs(home):
    ended = acceptance("doctor", home=home)
    assert ended.returncode == 0, ended.stdout
    assert "  ok  Redis: " in ended.stdout
    assert ended.stdout.splitlines()[-1] == "The default run can run here. Next: uv run behave"


def test_the_doctor_says_what_is_missing_and_the_next_step(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "  no  Redis: no Redis server on this machine" in said
    assert "try: apt-get install redis-server" in said
    assert "  no  Docker: no docker on the PATH\n      try: install Docker Engine" in said
    assert "  no  TiKV: no pd-server on the PATH\n      try: tiup install pd:v8.5.7 tikv:v8.5.7" in said
    assert "  no  browser: " in said
    assert said.splitlines()[-1].startswith("The default run cannot run here.")


def test_what_only_other_runs_need_does_not_keep_the_default_run_from_running(tmp_path, monkeypatch, capsys):
    (tmp_path / "docker").write_text("#!/bin/sh\necho 'no engine at all' >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\necho 'Redis server v=7.4.1 sha=0:0'\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert f"  ok  Redis: 7.4.1, {server}" in said
    assert "no engine answers: no engine at all" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stack_is_up_until_it_is_told_to_stop_and_leaves_nothing(home, number):
    with a_stack(home) as (process, told):
        with urllib.request.urlopen(f"{told['RATELIMITER_URL']}/api/nodes", timeout=5) as answer:
            assert [node["state"] for node in json.load(answer)["nodes"]] == ["Up"] * 3
        listed = subprocess.run(
            ["stackctl", "ps"],
            env={"PATH": told["PATH"], "STACKCTL_SOCKET": told["STACKCTL_SOCKET"]},
            capture_output=True,
            text=True,
            check=True,
        )
        assert listed.stdout.split() == [
            word for name in ("redis", *(f"ratelimiter-{n}" for n in (1, 2, 3))) for word in (name, "running")
        ]
        assert told["REDIS_URL"].startswith("redis://127.0.0.1:")
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        assert f"{number.name}: stopping" in errors
        assert left(home) == []


def test_a_stack_that_cannot_be_started_is_explained(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert cli.main(["up", "ratelimiter"]) == 1
    assert "Redis: no Redis server on this machine" in capsys.readouterr().err


def test_an_unknown_subject_is_wrong_usage(home):
    ended = acceptance("up", "ratelimitr", home=home)
    assert ended.returncode == 2
    assert "invalid choice: 'ratelimitr'" in ended.stderr


def test_what_a_crashed_run_left_is_removed_and_a_run_that_lives_is_not(home):
    with a_stack(home) as (living, told), a_stack(home) as (dead, of_the_dead):
        directory = Path(of_the_dead["STACKCTL_SOCKET"]).parents[1]
        (guardian,) = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if f"{directory}.registry" in read(path)
        ]
        os.kill(guardian, signal.SIGKILL)
        dead.kill()
        dead.wait()
        assert directory.exists()
        ended = acceptance("clean", home=home)
        assert ended.returncode == 0, ended.stderr
        assert f"removed {directory}" in ended.stdout
        assert ended.stdout.count("ended ") >= 4
        assert not directory.exists()
        assert living.poll() is None
        with urllib.request.urlopen(f"{told['RATELIMITER_URL']}/health", timeout=5) as answer:
            assert answer.status == 200
        assert acceptance("clean", home=home).stdout == "Nothing was left by crashed runs.\n"


def test_what_another_version_left_is_named_and_left_alone(home):
    runs = home / f"operator-acceptance-{os.getuid()}"
    directory = runs / "abcd"
    directory.mkdir(mode=0o700, parents=True)
    runs.chmod(0o700)
    directory.with_suffix(".registry").write_text('{"version": 2}\n')
    ended = acceptance("clean", home=home)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"left alone {directory}: its records are of version 2, not 1; ")
    assert directory.exists()


def test_a_stack_whose_harness_is_killed_is_gone_by_itself(home):
    with a_stack(home) as (process, _):
        process.kill()
        process.wait()
        wait_until_gone(home)


def test_reports_are_rendered_again_from_the_saved_results(tmp_path):
    golden = ROOT / "tests/support/report/golden"
    (tmp_path / "traceability.json").write_bytes((golden / "traceability.json").read_bytes())
    assert cli.main(["report", str(tmp_path)]) == 1  # rendered, and judged: the saved result holds failures
    assert {path.name for path in (tmp_path / "junit").iterdir()} == {
        path.name for path in (golden / "junit").iterdir()
    }


@pytest.mark.parametrize("saved", [None, "{", "[]", '{"run": {}}'])
def test_without_saved_results_nothing_is_rendered(tmp_path, capsys, saved):
    if saved is not None:
        (tmp_path / "traceability.json").write_text(saved)
    assert cli.main(["report", str(tmp_path)]) == 2
    assert str(tmp_path / "traceability.json") in capsys.readouterr().err
    assert not (tmp_path / "junit").exists()


def read(path):
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
