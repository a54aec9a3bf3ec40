"""What the report of one run says of the suite."""

import pytest

from support.prove.judging import judge
from support.prove.plan import Try
from support.report.assemble import Coverage, assemble
from support.report.model import RunInfo, ScenarioResult
from support.report.register import Criterion, Register, Requirement
from support.sabotage.sabotage import Sabotage

ID = "DEMO-01.1"
REGISTER = Register(
    requirements=(
        Requirement(id="DEMO-01", title="", statement="", source="", criteria=(Criterion(id=ID, text=""),)),
    )
)
SABOTAGE = Sabotage(title="blind monitor", sentence="", breaks={ID: "but: there was none"}, leaves=())
RUN = RunInfo(
    started="", seconds=1, command=(), stack="", model="", operator="", versions={}, spent={}, commit=None
)
AT_WORK = ("model double", "sabotage: blind monitor")


def outcome(must: str, *scenarios: tuple[str, str | None, tuple[str, ...]]) -> str:
    results = [
        ScenarioResult(
            name="",
            feature="",
            location=f"a.feature:{number}",
            ids=("DEMO-01", ID),
            status=status,
            reason=reason,
            seconds=1,
            substitutes=substitutes,
        )
        for number, (status, reason, substitutes) in enumerate(scenarios)
    ]
    result = assemble(RUN, REGISTER, results, Coverage.of([]))
    (tried,) = judge(Try(name="blind", sabotage=SABOTAGE, must=must, criteria=(ID,)), result, seconds=1)
    return tried.outcome


SEEN = "expected: a ticket\n  but: there was none"


@pytest.mark.parametrize(
    ("scenarios", "expected"),
    [
        ([("failed", SEEN, AT_WORK)], "caught"),
        ([("passed", None, AT_WORK), ("failed", SEEN, AT_WORK)], "caught"),
        ([("passed", None, AT_WORK)], "missed"),
        ([("failed", "something else", AT_WORK)], "missed"),
        ([("passed", None, ())], "not applicable"),
        ([("failed", SEEN, ())], "not applicable"),
        ([("not verified", "no agent", ())], "not applicable"),
        ([("broken", "no Redis", ())], "broken"),
        ([("broken", "no Redis", AT_WORK)], "broken"),
    ],
)
def test_a_criterion_that_must_break(scenarios, expected):
    assert outcome("break", *scenarios) == expected


@pytest.mark.parametrize(
    ("scenarios", "expected"),
    [
        ([("passed", None, AT_WORK)], "left green"),
        ([("passed", None, ())], "left green"),
        ([("passed", None, ()), ("failed", SEEN, AT_WORK)], "wrongly red"),
        ([("passed", None, ()), ("broken", "no Redis", ())], "broken"),
        ([("not verified", "no agent", ())], "not applicable"),
    ],
)
def test_a_criterion_that_must_be_left_green(scenarios, expected):
    assert outcome("leave", *scenarios) == expected
