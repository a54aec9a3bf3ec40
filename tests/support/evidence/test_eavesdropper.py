"""Nothing of a process changes when an eavesdropper stands before it, and all that it prints is kept."""

import signal
import subprocess
import sys

import pytest

from support.evidence import eavesdropper
from support.supervisor.reading import LineCount, Scan


def overheard(tmp_path, script):
    return subprocess.Popen(
        [sys.executable, "-IS", eavesdropper.__file__, str(tmp_path / "w"), "sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_what_is_printed_goes_on_and_is_kept(tmp_path):
    process = overheard(tmp_path, r"printf 'one\ntwo\033[31m\n'; echo three >&2; exit 3")
    assert process.communicate(timeout=30) == (b"one\ntwo\x1b[31m\n", b"three\n")
    assert process.returncode == 3
    with Scan(
        tmp_path / "w.stdout", stream="stdout", count=LineCount(tmp_path / "w.stdout"), start=0, pattern=None
    ) as scan:
        lines = scan.step(100)
    assert [line.text for line in lines] == ["one", "two\x1b[31m"]
    assert lines[0].at > 0
    assert (tmp_path / "w.stderr").read_bytes() == b"three\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(number, tmp_path):
    script = f"trap 'echo heard; exit 7' {number.name[3:]}; echo up; while :; do sleep 0.01; done"
    with overheard(tmp_path, script) as process:
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.stdout.readline() == b"heard\n"
    assert process.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_it_ends_as_the_process_ends(number, tmp_path):
    process = overheard(tmp_path, f"kill -{number} $$")
    process.communicate(timeout=30)
    assert process.returncode == -number
