"""How long scenarios took is known in the next run, if that can be read."""

import pytest

from support.report.model import ScenarioResult
from support.workers.durations import Durations


def _took(seconds: float, name: str = "a", status: str = "passed") -> ScenarioResult:
    return ScenarioResult(
        name=name,
        feature="one",
        location="one.feature:3",
        ids=(),
        status=status,
        reason=None,
        seconds=seconds,
    )


def test_the_next_run_knows_how_long_a_scenario_took(tmp_path) -> None:
    Durations(tmp_path).remember([_took(7.25)])
    assert Durations(tmp_path).of("one.feature", "a") == 7.25


def test_a_run_of_some_scenarios_forgets_nothing_of_the_others(tmp_path) -> None:
    Durations(tmp_path).remember([_took(7.25), _took(3.0, "b")])
    Durations(tmp_path).remember([_took(5.0)])
    known = Durations(tmp_path)
    assert (known.of("one.feature", "a"), known.of("one.feature", "b")) == (5.0, 3.0)


def test_a_scenario_that_never_ran_takes_what_most_take(tmp_path) -> None:
    Durations(tmp_path).remember([_took(1.0, "a"), _took(4.0, "b"), _took(60.0, "c")])
    assert Durations(tmp_path).of("one.feature", "new") == 4.0


def test_a_scenario_that_failed_early_is_not_taken_for_a_short_one(tmp_path) -> None:
    Durations(tmp_path).remember([_took(7.25)])
    Durations(tmp_path).remember([_took(0.1, status="failed")])
    assert Durations(tmp_path).of("one.feature", "a") == 7.25


@pytest.mark.parametrize("content", ["", "[1]", '{"one.feature: a": "long"}', "\ufffd"])
def test_a_file_that_makes_no_sense_is_as_good_as_none(tmp_path, content) -> None:
    (tmp_path / "durations.json").write_text(content, encoding="utf-8")
    assert Durations(tmp_path).of("one.feature", "a") == 2.0
