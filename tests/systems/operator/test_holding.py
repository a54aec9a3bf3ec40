"""The roll of living agents."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from systems.operator.holding import Roll

JOIN = """
import sys
from pathlib import Path
from systems.operator.holding import Roll
roll = Roll(Path(sys.argv[1]))
roll.join(7)
print("joined", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def agent_7(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is agent 7 until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", JOIN, str(tmp_path / "operator.db")],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "joined\n"
    yield process
    process.kill()
    process.communicate()


def test_an_agent_is_alive_as_long_as_its_process(tmp_path: Path, agent_7: subprocess.Popen[str]) -> None:
    with Roll(tmp_path / "operator.db") as roll:
        assert roll.is_alive(7)
        assert not roll.is_alive(6)
        assert not roll.is_alive(8)
        agent_7.send_signal(signal.SIGKILL)
        agent_7.wait()
        assert not roll.is_alive(7)


def test_a_stopped_agent_is_alive(tmp_path: Path, agent_7: subprocess.Popen[str]) -> None:
    agent_7.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, agent_7.pid, os.WSTOPPED | os.WNOWAIT)
    with Roll(tmp_path / "operator.db") as roll:
        assert roll.is_alive(7)


def test_nobody_can_be_an_agent_that_lives(tmp_path: Path, agent_7: subprocess.Popen[str]) -> None:
    with Roll(tmp_path / "operator.db") as roll, pytest.raises(BlockingIOError):
        roll.join(7)


def test_an_agent_lives_until_the_last_holder_of_its_lifeline_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    with Roll(path) as watching:
        roll = Roll(path)
        roll.join(3)
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[roll.fileno()]) as warden:
            roll.leave()
            assert watching.is_alive(3)
            warden.kill()
        assert not watching.is_alive(3)


def test_asking_whether_an_agent_lives_does_not_disturb_it(
    tmp_path: Path, agent_7: subprocess.Popen[str]
) -> None:
    with Roll(tmp_path / "operator.db") as one, Roll(tmp_path / "operator.db") as two:
        assert all(roll.is_alive(7) for roll in (one, two, one, two))


def test_a_link_to_the_database_leads_to_the_same_roll(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    path.touch()
    link = tmp_path / "elsewhere.db"
    link.symlink_to(path)
    with Roll(path) as roll, Roll(link) as other:
        roll.join(1)
        assert other.is_alive(1)
