"""The gate lets a run pass or not, and says why in one line."""

from dataclasses import replace

import pytest

from support.report.gate import gate
from support.report.model import RunResult


@pytest.fixture
def calm(result: RunResult) -> RunResult:
    """The result without what is red."""
    return _only(result, "passed", "not verified")


def _only(result: RunResult, *statuses: str) -> RunResult:
    criteria = tuple(
        replace(c, scenarios=tuple(s for s in c.scenarios if s.status in statuses))
        for c in result.criteria
        if c.status in (*statuses, "not covered")
    )
    requirement = replace(result.requirements[0], criteria=criteria, scenarios=())
    run = replace(result.run, interrupted=None, problems=())
    return replace(result, run=run, requirements=(requirement,))


def test_a_failure_a_broken_bed_a_problem_and_an_interruption_are_red(result) -> None:
    passage = gate(result)
    assert passage.red
    assert passage.why == (
        "red: interrupted by SIGTERM, 1 problem of the run itself, 1 scenario failed, 1 broken bed"
    )


def test_what_is_open_is_not_red_and_is_named(calm) -> None:
    passage = gate(calm)
    assert not passage.red
    assert passage.why == (
        "green: nothing failed and no bed broke; 2 criteria not verified, 2 criteria not covered, "
        "which -D gate=all would not let pass"
    )


def test_for_a_release_what_is_open_is_red(calm) -> None:
    passage = gate(replace(calm, run=replace(calm.run, gate="all")))
    assert passage.red
    assert passage.why == "red: 2 criteria not verified, 2 criteria not covered"


def test_a_release_passes_when_every_criterion_is_proven(result) -> None:
    proven = _only(result, "passed")
    criteria = tuple(c for c in proven.criteria if c.status == "passed")
    requirement = replace(proven.requirements[0], criteria=criteria)
    release = replace(proven, requirements=(requirement,), run=replace(proven.run, gate="all"))
    assert gate(release).why == "green: every criterion is proven"


def test_a_run_of_nothing_is_red(result) -> None:
    nothing = replace(result, requirements=(), unassigned=())
    assert gate(replace(nothing, run=replace(result.run, interrupted=None, problems=()))).red
