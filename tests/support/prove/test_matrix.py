"""What the tries say together."""

from dataclasses import replace

import pytest

from support.prove.matrix import joined
from tests.support.prove.conftest import tried


def test_what_nothing_was_caught_breaking_is_unproven_with_its_reason(matrix):
    assert matrix.unproven() == {
        "DEMO-01.2": "deaf agent: missed",
        "DEMO-02.1": "rich model: not applicable",
        "DEMO-02.2": "no sabotage that was tried breaks it",
        "DEMO-03.1": "no scenario names it",
    }


@pytest.mark.parametrize(
    ("outcome", "red"),
    [
        ("caught", False),
        ("left green", False),
        ("not applicable", False),
        ("missed", True),
        ("wrongly red", True),
        ("broken", True),
    ],
)
def test_it_is_red_when_somebody_has_to_look(matrix, outcome, red):
    assert replace(matrix, tried=(tried("blind", "DEMO-01.1", outcome),)).red is red


def test_a_part_tried_again_takes_the_place_of_what_it_was(matrix):
    again = replace(
        matrix,
        tried=(tried("deaf", "DEMO-01.2", "caught"),),
        titles={"deaf": "deaf agent"},
        took={"deaf": 1.5},
        uncovered=frozenset(),
    )
    whole = joined(again, matrix)
    assert len(whole.tried) == len(matrix.tried)
    assert [t.sabotage for t in whole.of("DEMO-01.2", "caught")] == ["deaf"]
    assert whole.titles == matrix.titles
    assert whole.took == {"blind": 3.0, "deaf": 1.5, "rich": 4.0}
    assert "DEMO-03.1" in whole.uncovered


@pytest.mark.parametrize("other", [{"code": "fedcba987654"}, {"code": None}, {"operator": "mine.toml"}])
def test_what_was_tried_on_other_code_is_forgotten(matrix, other):
    again = replace(matrix, tried=(tried("deaf", "DEMO-01.2", "caught"),), **other)
    assert joined(again, matrix) == again
