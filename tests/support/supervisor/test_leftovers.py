"""Who is taken for one of ours, and who is not, whatever pid they have."""

import os
import signal
import subprocess
import time

import pytest

from support.supervisor import leftovers
from support.supervisor.leftovers import Marks, ProcessInfo, Snapshot

ME = os.getpid()


class Table(Snapshot):
    """A process table made up."""

    def __init__(self, *processes: ProcessInfo, tags=None, directories=None) -> None:
        self.processes = {process.pid: process for process in processes}
        self._young = list(processes)
        self._tags = {process.pid: frozenset((tags or {}).get(process.pid, ())) for process in processes}
        self._directories = {process.pid: (directories or {}).get(process.pid, "/") for process in processes}

    def directory(self, pid: int) -> str:
        return self._directories[pid]


def process(pid, *, parent=1, group=None, session=None, started=100, state="S", terminal=0):
    return ProcessInfo(pid, parent, group or pid, session or pid, started, state, terminal, "program")


def marks(*, since=0, **others):
    return Marks(since=since, **others)


OURS = frozenset({(1000, 100)})


def test_a_registered_process_is_ours():
    assert Table(process(1000)).belonging(marks(processes=OURS)) == {1000}


def test_a_stranger_with_the_pid_of_a_dead_one_is_not_ours():
    assert Table(process(1000, started=101)).belonging(marks(processes=OURS)) == set()


def test_descendants_are_ours_over_any_number_of_generations():
    table = Table(process(1000), process(1001, parent=1000), process(1002, parent=1001), process(1003))
    assert table.belonging(marks(processes=OURS)) == {1000, 1001, 1002}


def test_children_of_a_stranger_with_our_pid_are_not_ours():
    table = Table(
        process(1000, started=200), process(1001, parent=1000, started=201, group=1000, session=1000)
    )
    assert table.belonging(marks(processes=OURS)) == set()


def test_session_and_group_survive_their_leader():
    table = Table(process(1001, session=1000), process(1002, group=1000))
    assert table.belonging(marks(processes=OURS)) == {1001, 1002}


def test_what_is_older_than_the_run_is_never_ours():
    table = Table(
        process(1001, session=1000, started=99),
        process(1002, started=99),
        tags={1002: ["run/1"]},
    )
    assert table.belonging(marks(since=100, processes=OURS, run="run")) == set()


def test_the_tag_of_a_run_marks_all_that_it_started_and_nobody_else():
    table = Table(
        process(11),
        process(12),
        process(13),
        process(14),
        tags={11: ["run/1"], 12: ["outer/1", "run/2"], 13: ["runaway/1"]},
    )
    assert table.belonging(marks(run="run")) == {11, 12}
    assert table.belonging(marks(tags=frozenset({"run/2"}))) == {12}


def test_the_working_directory_marks_who_has_no_terminal():
    table = Table(
        process(11),
        process(12),
        process(13, terminal=34816),
        process(14),
        directories={11: "/tmp/run", 12: "/tmp/run/node", 13: "/tmp/run", 14: "/tmp/runner"},
    )
    assert table.belonging(marks(directories=("/tmp/run",))) == {11, 12}


def test_nobody_takes_itself_or_its_ancestors_for_ours():
    sibling, child = process(1001, parent=1000), process(1002, parent=ME)
    table = Table(process(1000), process(ME, parent=1000, session=1000), sibling, child)
    assert table.belonging(marks(processes=OURS)) == {1001}


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "300"], cwd="/tmp", env={"SUPERVISED_BY": "outer/3 run/7"}) as child:
        yield child
        child.kill()


def test_the_table_tells_the_truth_about_a_real_process(sleeper):
    while (info := leftovers.read_process(sleeper.pid)) and info.command != "sleep":
        time.sleep(0.001)
    now = Snapshot()
    assert now.processes[sleeper.pid].parent == ME
    assert now.processes[sleeper.pid].alive
    assert now.tags(sleeper.pid) == {"outer/3", "run/7"}
    assert now.directory(sleeper.pid) == "/tmp"
    assert now.belonging(marks(run="run", since=info.started)) == {sleeper.pid}


def test_a_signal_reaches_only_the_very_process(sleeper):
    info = leftovers.read_process(sleeper.pid)
    earlier = info._replace(started=info.started - 1)
    assert not leftovers.send(earlier, signal.SIGKILL)
    assert leftovers.hold(earlier) is None
    assert sleeper.poll() is None
    assert leftovers.send(info, signal.SIGKILL)
    assert sleeper.wait() == -signal.SIGKILL
    assert not leftovers.send(info, signal.SIGKILL)


def test_a_name_that_looks_like_the_table_s_own_punctuation_is_read_right(tmp_path):
    program = tmp_path / ") S 1 (x"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "300"]) as child:
        while (info := leftovers.read_process(child.pid)).command == "python":
            time.sleep(0.001)
        child.kill()
    assert (info.command, info.parent) == (") S 1 (x", ME)


def test_extinguishing_goes_on_until_two_looks_find_nothing(sleeper):
    info = leftovers.read_process(sleeper.pid)
    looks = iter([[], [info], [], []])
    killed, remaining = leftovers.extinguish(lambda: next(looks), seconds=30)
    assert (killed, remaining) == ([info], [])
    assert next(looks, "no more") == "no more"


def test_who_does_not_die_is_reported():
    init = leftovers.read_process(1)._replace(started=-1)  # a process that no signal of ours will ever reach
    killed, remaining = leftovers.extinguish(lambda: [init], seconds=0.05)
    assert (killed, remaining) == ([], [init])
