"""A run whose terminal goes away, or that never had one, ends with its report all the same."""

import os
import pty
import subprocess
import sys

import pytest

_FEATURE = """
  @DEMO-01.1
  Scenario: before
    Then it passes
  @DEMO-01.2
  Scenario: during
    When it waits
"""


def test_a_terminal_that_is_closed_stops_the_run_and_the_report_says_so(tree) -> None:
    tree.hooks("import os\ndef after_all(context): print('undone'); open('undone', 'w').close()\n")
    tree.feature(_FEATURE)
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(tree.path)
        os.execv(sys.executable, [sys.executable, "-m", "behave", "--no-capture"])
    seen = b""
    while b"waiting" not in seen:
        seen += os.read(terminal, 4096)
    os.close(terminal)  # the kernel sends SIGHUP to the session
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    assert (tree.path / "undone").exists()
    assert tree.result().run.interrupted == "SIGHUP"
    assert tree.verdicts() == {"before": "passed", "during": "not verified"}


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed_before_the_start_change_no_verdict(tree, closed) -> None:
    tree.feature("  @DEMO-01.1\n  Scenario: a\n    Then it passes\n")
    command = f"exec {sys.executable} -m behave {closed}"
    ended = subprocess.run(["sh", "-c", command], cwd=tree.path, check=False, capture_output=True)
    assert ended.returncode == 0, ended
    assert tree.verdicts() == {"a": "passed"}


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_without_streams_what_is_wrong_still_ends_red(tree, closed) -> None:
    tree.feature("  @DEMO-01.1\n  Scenario: a\n    Then it passes\n")
    command = f"exec {sys.executable} -m behave -D stak=1 {closed}"
    ended = subprocess.run(["sh", "-c", command], cwd=tree.path, check=False, capture_output=True)
    assert ended.returncode == 1, ended
    assert not (tree.path / "reports").exists()


def test_a_reader_that_goes_away_loses_the_rest_of_the_text_and_no_more(tree) -> None:
    tree.feature(_FEATURE.replace("it waits", 'it fails with "no"'))
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "behave"], cwd=tree.path, stdout=writing, stderr=subprocess.PIPE
    ) as process:
        os.close(writing)
        assert process.stderr is not None
        errors = process.stderr.read()
    assert process.returncode == 1, errors
    assert b"Exception ignored" not in errors
    assert tree.verdicts() == {"before": "passed", "during": "failed"}
