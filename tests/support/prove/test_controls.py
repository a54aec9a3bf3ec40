"""Which scenario stands for a criterion that must stay green."""

from pathlib import Path

from support.prove.controls import controls
from support.report.register import load_register
from support.sabotage.sabotage import load_sabotage, names

ROOT = Path(__file__).parents[3]

_FEATURE = """
Feature: one
  @slow @DEMO-05.12
  Scenario: It limits for an hour
    Then it passes

  @DEMO-05.12 @DEMO-05.1
  Scenario Outline: It limits <what>
    Then it passes

    Examples:
      | what    |
      | a human |
      | a robot |
"""


def test_it_is_the_first_that_runs_anywhere_at_the_usual_times(tmp_path):
    path = tmp_path / "one.feature"
    path.write_text(_FEATURE, encoding="utf-8")
    register = load_register(ROOT / "features/requirements.toml")
    found = {id_: place.rpartition("/")[2] for id_, place in controls(tmp_path, register).items()}
    assert found == {"DEMO-05.12": "one.feature:13", "DEMO-05.1": "one.feature:13"}


def test_there_is_one_for_all_that_a_sabotage_must_leave_green():
    register = load_register(ROOT / "features/requirements.toml")
    left = {criterion for name in names() for criterion in load_sabotage(name).leaves}
    assert left <= set(controls(ROOT / "features", register))
