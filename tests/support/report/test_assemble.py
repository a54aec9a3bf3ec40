"""What scenarios say of criteria and requirements."""

import pytest

from support.report.assemble import Coverage, assemble
from support.report.gate import gate
from support.report.model import RunInfo, ScenarioResult
from support.report.register import Criterion, Register, Requirement

_RUN = RunInfo(
    started="2025-03-01T12:00:00Z",
    seconds=1.0,
    command=("behave",),
    stack="process",
    model="double",
    operator="built-in",
    versions={},
    spent={},
)
_REGISTER = Register(
    requirements=(
        Requirement(
            id="DEMO-01",
            title="t",
            statement="s",
            source="s",
            criteria=tuple(Criterion(id=f"DEMO-01.{n}", text="x") for n in (1, 2, 3)),
        ),
    )
)


def _assemble(*verdicts: tuple[str, str], unselected: tuple[str, ...] = (), slow: int = 0):
    scenarios = [
        ScenarioResult(
            name=f"s{n}",
            feature="f",
            location=f"features/f.feature:{n}",
            ids=(id_,),
            status=status,
            reason=None if status == "passed" else f"reason {n}",
            seconds=0.0,
        )
        for n, (id_, status) in enumerate(verdicts)
    ]
    return assemble(
        _RUN,
        _REGISTER,
        scenarios,
        Coverage.of(
            [(f"features/g.feature:{n}", [id_]) for n, id_ in enumerate(unselected)],
            slow=[f"features/g.feature:{n}" for n in range(slow)],
        ),
    )


def _criterion(*statuses: str, unselected: int = 0, slow: int = 0):
    result = _assemble(
        *(("DEMO-01.1", status) for status in statuses), unselected=("DEMO-01.1",) * unselected, slow=slow
    )
    return result.requirements[0].criteria[0]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ((), "not covered"),
        (("passed",), "passed"),
        (("passed", "not verified"), "not verified"),
        (("passed", "not verified", "broken"), "broken"),
        (("passed", "broken", "failed"), "failed"),
    ],
)
def test_a_criterion_is_as_good_as_its_worst_scenario(statuses, status) -> None:
    assert _criterion(*statuses).status == status


def test_a_criterion_gives_the_reasons_of_the_scenarios_that_decided_it() -> None:
    assert _criterion("passed", "not verified", "failed", "failed").reason == "reason 2; reason 3"
    assert _criterion("passed").reason is None
    assert _criterion().reason == "no scenario names it"


def test_a_criterion_with_scenarios_that_were_not_selected_is_not_passed() -> None:
    assert _criterion(unselected=2).reason == "not selected"
    partly = _criterion("passed", unselected=2)
    assert (partly.status, partly.reason) == ("not verified", "2 of 3 scenarios not selected")
    assert _criterion("failed", unselected=2).reason == "reason 0"


def test_a_criterion_does_not_wait_for_its_slow_scenarios_unless_it_has_no_others() -> None:
    passed = _criterion("passed", unselected=1, slow=1)
    assert (passed.status, passed.reason, len(passed.slow)) == ("passed", None, 1)
    assert _criterion("passed", unselected=2, slow=1).reason == "1 of 2 scenarios not selected"
    assert (_criterion(unselected=1, slow=1).status, _criterion(unselected=1, slow=1).reason) == (
        "not verified",
        "not selected",
    )


@pytest.mark.parametrize(
    ("one", "two", "three", "status"),
    [
        ("passed", "passed", "passed", "passed"),
        ("passed", "passed", None, "partly verified"),
        ("passed", "not verified", "passed", "partly verified"),
        ("not verified", None, None, "not verified"),
        (None, None, None, "not covered"),
        ("passed", "broken", "not verified", "broken"),
        ("failed", "broken", "passed", "failed"),
    ],
)
def test_a_requirement_is_as_good_as_its_worst_criterion_or_partly_verified(one, two, three, status) -> None:
    given = ((f"DEMO-01.{n}", s) for n, s in enumerate((one, two, three), 1) if s)
    assert _assemble(*given).requirements[0].status == status


def test_a_scenario_of_the_requirement_as_a_whole_counts_for_it_and_for_no_criterion() -> None:
    (requirement,) = _assemble(("DEMO-01", "failed"), ("DEMO-01.1", "passed")).requirements
    assert requirement.status == "failed"
    assert [s.name for s in requirement.scenarios] == ["s0"]
    assert requirement.criteria[0].status == "passed"


def test_a_scenario_without_requirement_is_there_and_makes_the_run_red() -> None:
    result = _assemble(("slow", "failed"))
    assert [s.name for s in result.unassigned] == ["s0"]
    assert gate(result).red
