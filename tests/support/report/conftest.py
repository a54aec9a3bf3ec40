"""A result with every kind of verdict in it, as it might have come from a run."""

import pytest

from support.report.assemble import Coverage, assemble
from support.report.model import RunInfo, RunResult, ScenarioResult, StepResult
from support.report.register import Criterion, Register, Requirement

_OVER = "features/operator/over_limit.feature"
_DEMO = "features/demo.feature"


def _step(text: str, status: str = "passed", error: str | None = None) -> StepResult:
    seconds = 0.0 if status == "not run" else 0.25
    return StepResult(keyword="Then", text=text, status=status, seconds=seconds, error=error)


def _scenario(name: str, at: str, ids: str, status: str, reason: str | None = None, **more):
    return ScenarioResult(
        name=name,
        feature=more.pop("feature", "A counter over its limit"),
        location=at,
        ids=tuple(ids.split()),
        status=status,
        reason=reason,
        seconds=more.pop("seconds", 1.5),
        **more,
    )


@pytest.fixture
def register() -> Register:
    def requirement(id_: str, title: str, *texts: str) -> Requirement:
        criteria = (Criterion(id=f"{id_}.{n}", text=text) for n, text in enumerate(texts, 1))
        return Requirement(
            id=id_, title=title, statement="It holds.", source="a plan", criteria=tuple(criteria)
        )

    return Register(
        requirements=(
            requirement("DEMO-05", "The rate limiter demo", "Startup.", "Detection.", "Diagnosis."),
            requirement("DEMO-06", "The agent panel", "Live.", "Whole."),
            requirement("AUDIT-01", "The audit trail", "Each session.", "Exactly."),
            requirement("TEST-01", "One command", "Without manual steps."),
        )
    )


@pytest.fixture
def scenarios() -> list[ScenarioResult]:
    return [
        _scenario(
            "The stack comes up",
            f"{_OVER}:9",
            "DEMO-05 DEMO-05.1",
            "passed",
            substitutes=("model double",),
            measures={"time_to_detect": 0.42},
            evidence=("evidence/over/1/timeline.ndjson", "evidence/over/1/tickets.db"),
            spent={"harness": 0.1, "stack": 0.9, "waiting": 0.5},
            steps=(_step("the steady state is reached"),),
        ),
        _scenario(
            "It is noticed, once",
            f"{_OVER}:14",
            "DEMO-05 DEMO-05.2 AUDIT-01 AUDIT-01.1",
            "failed",
            "Expected: one ticket\n     but: there were 2",
            substitutes=("model double",),
            evidence=("evidence/over/2/timeline.ndjson",),
            steps=(
                _step("the monitor reports the violation"),
                _step(
                    'one ticket is filed for "checkout"',
                    "failed",
                    "Expected: one ticket\n     but: there were 2",
                ),
                _step("no other ticket is filed", "not run"),
            ),
        ),
        _scenario(
            "Redis does not start",
            f"{_OVER}:30",
            "DEMO-05 DEMO-05.3",
            "broken",
            "redis-server said: \x1b[31mout of memory\x1b[0m \udcff",
            steps=(_step("the stack is steady", "broken", "BrokenBed: \x1b[31mout of memory"),),
        ),
        _scenario(
            "The panel is live",
            f"{_DEMO}:4",
            "DEMO-06 DEMO-06.1",
            "not verified",
            "the profile names no demo command",
            feature="The demo",
            seconds=0.0,
            steps=(_step("a line is on the panel", "not verified"),),
        ),
        _scenario(
            "The panel is there",
            f"{_DEMO}:8",
            "DEMO-06",
            "passed",
            feature="The demo",
            steps=(_step("a line is on the panel"),),
        ),
        _scenario("Nobody asked", f"{_DEMO}:12", "", "passed", feature="The demo"),
    ]


@pytest.fixture
def result(register: Register, scenarios: list[ScenarioResult]) -> RunResult:
    run = RunInfo(
        started="2025-03-01T12:00:00.000Z",
        seconds=9.5,
        command=("behave", "--tags", "@DEMO-05"),
        stack="process",
        model="double",
        operator="built-in",
        versions={"python": "3.11.7"},
        spent={"harness": 1.0, "stack": 5.0, "waiting": 3.5},
        interrupted="SIGTERM",
        commit="0123456789ab",
        code="0123456789ab",
        machine="4 processors, 16 GiB of memory, x86_64",
        problems=("features/demo.feature: after_feature failed: OSError: no space left",),
    )
    return assemble(run, register, scenarios, Coverage.of([(f"{_DEMO}:20", ["AUDIT-01.2", "AUDIT-01"])]))
