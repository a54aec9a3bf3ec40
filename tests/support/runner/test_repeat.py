"""`acceptance repeat` runs scenarios again and again and names those that pass now and then."""

import signal
import time

import pytest

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


_THERE = """
import time
from behave import step
@step("it is there and stays")
def _(context):
    open("there", "w").close()
    time.sleep(60)
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


def test_a_later_run_knows_how_long_scenarios_take(tree) -> None:
    tree.feature("  Scenario: a\n    Then it passes\n")
    tree.write("reports/repeat/run-2/durations.json", '{"features/one.feature: b": 7.0}')
    tree.behave("--times", "2", command=_COMMAND)
    known = (tree.path / "reports/repeat/run-2/durations.json").read_text()
    assert "features/one.feature: a" in known
    assert "features/one.feature: b" not in known  # that was of another repetition


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_at_hand_in_order_and_begins_no_other(tree, number) -> None:
    tree.hooks(
        """
def after_scenario(context, scenario): open("healed", "w").close()
"""
    )
    tree.write("steps/there.py", _THERE)
    tree.feature("  Scenario: a\n    Then it is there and stays\n")
    with tree.behaving("--times", "3", command=_COMMAND) as process:
        while not (tree.path / "there").exists():
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(30) == 128 + number
    assert (tree.path / "healed").exists()
    assert not (tree.path / "reports/repeat/run-2").exists()
