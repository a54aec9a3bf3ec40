"""How often scenarios passed in several runs, and how sure that makes one."""

import pytest

from support.report.model import RunInfo, RunResult, ScenarioResult
from support.report.repeats import lines, repeated, wilson


def _run(*scenarios: tuple[str, str, float]) -> RunResult:
    return RunResult(
        run=RunInfo(
            started="", seconds=1, command=(), stack="", model="", operator="", versions={}, spent={}
        ),
        requirements=(),
        unassigned=tuple(
            ScenarioResult(
                name=name,
                feature="one",
                location=f"one.feature:{number}",
                ids=(),
                status=status,
                reason=None if status == "passed" else "expected: 3\n  but: was 4",
                seconds=1.0,
                measures={"time_to_detect": measure},
            )
            for number, (name, status, measure) in enumerate(scenarios)
        ),
    )


@pytest.mark.parametrize(
    ("passed", "shown", "low", "high"),
    # As tabulated for 95 %: https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval
    [
        (10, 10, 0.722, 1.0),
        (0, 10, 0.0, 0.278),
        (5, 10, 0.237, 0.763),
        (20, 20, 0.839, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_of_wilson(passed, shown, low, high) -> None:
    assert wilson(passed, shown) == pytest.approx((low, high), abs=0.001)


def test_a_scenario_that_passes_now_and_then_is_flaky_and_says_why() -> None:
    runs = [
        _run(("a", "passed", 0.5), ("b", "passed", 1.0)),
        _run(("a", "failed", 2.5), ("b", "passed", 3.0)),
    ]
    found = repeated(runs)
    assert [(each.name, each.passed, each.shown, each.flaky) for each in found] == [
        ("a", 1, 2, True),
        ("b", 2, 2, False),
    ]
    shown = list(lines(found))
    assert "  passed 2 of 2, so 34% to 100%  b" in shown
    assert "        time_to_detect: 1.00 to 3.00, median 2.00" in shown
    assert shown[-3:] == ["Flaky      1 of 2 scenarios", "  1 of 2  one.feature:0  a", "        expected: 3"]


def test_what_never_passed_is_red_and_not_flaky() -> None:
    assert not repeated([_run(("a", "failed", 1.0)), _run(("a", "broken", 1.0))])[0].flaky


def test_what_is_not_verified_shows_nothing() -> None:
    (found,) = repeated([_run(("a", "not verified", 1.0)), _run(("a", "passed", 1.0))])
    assert (found.shown, found.passed, found.flaky) == (1, 1, False)
