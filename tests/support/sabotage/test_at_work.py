"""A sabotage at work: what it changes, and how one knows that it has acted."""

import sqlite3
import subprocess
import sys

import pytest

from support.sabotage.at_work import AtWork
from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage, SabotageError, check_fits
from support.sabotage.tampering import MARK

GOOD = "def limit(count):\n    return count < 10\n"


@pytest.fixture
def base(tmp_path):
    (tmp_path / "repository/systems").mkdir(parents=True)
    (tmp_path / "repository/systems/__init__.py").touch()
    (tmp_path / "repository/systems/limiter.py").write_text(GOOD, encoding="utf-8")
    return tmp_path / "repository"


def a_patch(old="return count < 10", new="return count <= 10 or TOOK_EFFECT is None", file="limiter.py"):
    return Sabotage(
        title="generous",
        sentence="It allows one too many.",
        breaks={"DEMO-05.12": "26"},
        patches=(Patch(file=f"systems/{file}", old=old, new=new),),
    )


def test_the_damage_is_done_to_a_copy_and_leaves_its_mark_when_it_is_reached(base, tmp_path):
    at_work = AtWork(a_patch(), base=base, directory=tmp_path / "x")
    assert (base / "systems/limiter.py").read_text(encoding="utf-8") == GOOD
    assert not at_work.took_effect(None)
    run = "from systems.limiter import limit; print(limit({}))"
    for count, acted in ((10, False), (11, True)):
        command = [sys.executable, "-c", run.format(count)]
        done = subprocess.run(command, cwd=at_work.code, capture_output=True, text=True, check=True)
        assert done.stdout == "True\n"
        assert at_work.took_effect(None) is acted
    at_work.begin()
    assert not at_work.took_effect(None)


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ({"old": "return"}, None),
        ({"old": "count < 11"}, "there 0 times instead of once: 'count < 11'"),
        ({"old": "count"}, "there 2 times instead of once: 'count'"),
        ({"file": "gone.py"}, "systems/gone.py: there is no such file"),
    ],
)
def test_a_patch_that_does_not_fit_is_an_error(base, patch, said):
    if said is None:
        check_fits(a_patch(**patch), base)
        return
    with pytest.raises(SabotageError, match=f"'generous' does not fit the code\n.*{said}"):
        check_fits(a_patch(**patch), base)


def test_a_bad_model_acts_when_it_is_asked(base, tmp_path):
    bad = Sabotage(title="liar", sentence="", breaks={"DEMO-05.4": "15"}, script=lambda conversation: "done")
    at_work = AtWork(bad, base=base, directory=tmp_path / "x")
    assert not at_work.took_effect(None)
    assert at_work.script()(None) == "done"
    assert at_work.took_effect(None)


def test_what_a_trigger_has_done_is_seen_in_the_database(base, tmp_path):
    at_work = AtWork(a_patch(), base=base, directory=tmp_path / "x")
    database = tmp_path / "tickets.db"
    assert not at_work.took_effect(database)
    with sqlite3.connect(database) as connection:
        connection.execute(f"CREATE TABLE {MARK} (acted)")
        connection.commit()
        assert not at_work.took_effect(database)
        connection.execute(f"INSERT INTO {MARK} VALUES (1)")
    connection.close()
    assert at_work.took_effect(database)
