"""The demo as a command: without a terminal, without keys, with a profile that cannot be used."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from support.machine.default_run import NEEDED

ROOT = Path(__file__).parents[2]


def demo(*words, directory, **environ):
    return subprocess.run(
        [sys.executable, "-m", "demo", *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def short_directory():
    """So short that a unix socket fits below it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        yield Path(directory)


@pytest.mark.skipif(
    not all(look(os.environ).fits for look in NEEDED), reason="there is no Redis; see acceptance doctor"
)
def test_it_plays_to_its_end_without_keys_and_keeps_the_last_screen(short_directory, tmp_path):
    picture = tmp_path / "last.svg"
    ended = demo(
        *("ratelimiter", "--auto", "--pace", "0.3", "--record", str(picture)), directory=short_directory
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = picture.read_text(encoding="utf-8").replace("&#160;", " ")
    for words in ("Chapter 8/8", "Complete", "resolved after", "requests/s", "ratelimiter-3", "RESOLVED"):
        assert words in shown, words
    assert [path for path in short_directory.rglob("*") if path.parent != short_directory] == []


def test_without_a_terminal_it_says_what_to_try(tmp_path):
    ended = demo("tikv", directory=tmp_path)
    assert ended.returncode == 2
    assert "it needs a terminal; without one try --auto" in ended.stderr


def test_a_profile_that_cannot_be_used_is_named_before_anything_starts(tmp_path):
    profile = tmp_path / "mine.toml"
    profile.write_text('[operator]\nmonitor = ["no-such-program"]\n', encoding="utf-8")
    ended = demo("tikv", "--auto", "--operator", str(profile), directory=tmp_path)
    assert ended.returncode == 2
    assert f"profile {profile}: operator.monitor: there is no 'no-such-program'" in ended.stderr
    assert not (tmp_path / f"operator-acceptance-{os.getuid()}").exists()


def test_a_stack_that_is_not_there_cannot_be_joined(short_directory):
    socket = short_directory / "gone.sock"
    ended = demo("ratelimiter", "--auto", "--pace", "0.1", "--join", str(socket), directory=short_directory)
    assert ended.returncode == 1
    assert f"no stack answers at {socket}" in ended.stderr


@pytest.mark.parametrize("words", [(), ("mysql",), ("tikv", "--pace", "soon"), ("tikv", "--model", "mine")])
def test_wrong_usage_is_told(words, tmp_path):
    ended = demo(*words, directory=tmp_path)
    assert ended.returncode == 2
    assert "usage: python -m demo" in ended.stderr
