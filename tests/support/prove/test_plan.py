"""Which runs are made."""

import pytest

from support.prove.plan import plan
from support.sabotage.sabotage import Sabotage, SabotageError

CONTROLS = {"DEMO-01.2": "features/a.feature:7"}
KNOWN = {"DEMO-01", "DEMO-01.1", "DEMO-01.2", "DEMO-02", "DEMO-02.1"}
ROOM = {
    "blind": Sabotage(
        title="blind", sentence="", breaks={"DEMO-01.1": "a", "DEMO-02.1": "b"}, leaves=("DEMO-01.2",)
    ),
    "deaf": Sabotage(title="deaf", sentence="", breaks={"DEMO-01.2": "c"}, scenario="told to stop"),
}


def planned(*, only=(), criteria=()):
    return plan(ROOM, only=only, criteria=criteria, known=KNOWN, controls=CONTROLS)


def made(*, only=(), criteria=()):
    tries = planned(only=only, criteria=criteria)
    return [(each.name, each.must, each.criteria) for each in tries]


def test_each_criterion_to_break_is_a_run_and_all_to_leave_green_are_one():
    assert made() == [
        ("blind", "break", ("DEMO-01.1",)),
        ("blind", "break", ("DEMO-02.1",)),
        ("blind", "leave", ("DEMO-01.2",)),
        ("deaf", "break", ("DEMO-01.2",)),
    ]


def test_a_part_of_it_can_be_asked_for():
    assert made(only=["deaf"]) == [("deaf", "break", ("DEMO-01.2",))]
    assert made(criteria=["DEMO-02.1"]) == [("blind", "break", ("DEMO-02.1",))]
    assert made(criteria=["DEMO-02"]) == [("blind", "break", ("DEMO-02.1",))]
    assert made(only=["blind"], criteria=["DEMO-01.2"]) == [("blind", "leave", ("DEMO-01.2",))]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"only": ["bilnd"]}, "there is no sabotage 'bilnd'; there are blind, deaf"),
        ({"criteria": ["DEMO-09.1"]}, "DEMO-09.1 is not in the requirement register"),
        ({"only": ["deaf"], "criteria": ["DEMO-02.1"]}, "no sabotage is about DEMO-02.1"),
    ],
)
def test_what_means_nothing_is_said(asked, said):
    with pytest.raises(SabotageError, match=said):
        made(**asked)


def test_a_run_that_must_break_stops_at_the_first_proof_and_one_that_must_not_is_of_one_scenario():
    tries = planned()
    assert tries[0].options == ["--stop", "--tags", "(@DEMO-01.1) and (@meta or not @meta)"]
    assert tries[2].options == ["--tags", "(@DEMO-01.2) and (@meta or not @meta)", "features/a.feature:7"]
    assert tries[3].options[-2:] == ["--name", "told to stop"]
