"""`acceptance repeat` runs scenarios again and again and names those that pass now and then."""

_COMMAND = ("-m", "support.cli", "repeat")
_STEP = """
import pathlib
from behave import step
@step("it passes every other time")
def _(context):
    seen = pathlib.Path("seen")
    if seen.exists():
        seen.unlink()
        raise AssertionError("not this time")
    seen.touch()
"""


def test_a_flaky_scenario_is_named_and_makes_it_red(tree) -> None:
    tree.write("steps/flaky.py", _STEP)
    tree.feature("  Scenario: a\n    Then it passes every other time\n  Scenario: b\n    Then it passes\n")
    run = tree.behave("--times", "4", "--jobs", "2", command=_COMMAND)
    assert run.status == 1
    assert "passed 2 of 4" in run.output
    assert (
        "Flaky      1 of 2 scenarios\n  2 of 4  features/one.feature:2  a\n        not this time"
        in run.output
    )


def test_steady_scenarios_are_green(tree) -> None:
    tree.feature("  Scenario: a\n    Then it passes\n")
    run = tree.behave("--times", "2", command=_COMMAND)
    assert run.status == 0
    assert "Flaky      0 of 1 scenarios" in run.output


def test_a_run_that_does_not_begin_says_why(tree) -> None:
    tree.feature("  Scenario: a\n    Then it passes\n")
    run = tree.behave("--times", "2", "--tags", "@nobody", command=_COMMAND)
    assert run.status == 1
    assert "No scenario is selected" in run.output
