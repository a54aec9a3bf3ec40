"""What is printed tells what happened, and where to look."""

from dataclasses import replace
from pathlib import Path

from support.report.console import Style, scenario_lines, summary_lines

_REPORTS = Path("reports")


def _lines(scenario, **style) -> list[str]:
    return list(scenario_lines(scenario, style=Style(**style), reports=_REPORTS))


def test_a_scenario_that_passed_is_one_line(scenarios) -> None:
    assert _lines(scenarios[0]) == ["  ✓ passed          1.50 s  The stack comes up"]


def test_a_failure_tells_the_sentence_the_error_and_the_evidence(scenarios) -> None:
    assert _lines(scenarios[1]) == [
        "  ✗ failed          1.50 s  It is noticed, once",
        '        Then one ticket is filed for "checkout"',
        "          Expected: one ticket",
        "               but: there were 2",
        "        evidence: reports/evidence/over/2/timeline.ndjson",
    ]


def test_what_was_not_verified_tells_why(scenarios) -> None:
    assert _lines(scenarios[3]) == [
        "  - not verified    0.00 s  The panel is live",
        "        the profile names no demo command",
    ]


def test_a_terminal_that_knows_no_marks_gets_letters(scenarios) -> None:
    assert _lines(scenarios[0], encoding="ascii")[0].startswith("  + passed")


def test_control_characters_of_others_do_not_reach_the_terminal(scenarios) -> None:
    assert not any("\x1b" in line or "\udcff" in line for line in _lines(scenarios[2]))


def test_the_summary_goes_by_requirement_and_tells_the_time_and_the_report(result) -> None:
    lines = list(summary_lines(result, style=Style(), reports=_REPORTS))
    assert lines == [
        "",
        "Interrupted by SIGTERM: what was not run is not verified.",
        "",
        "Problem of the run itself",
        "  features/demo.feature: after_feature failed: OSError: no space left",
        "",
        "Failed",
        "  behave features/operator/over_limit.feature:14  It is noticed, once",
        "",
        "Broken bed",
        "  behave features/operator/over_limit.feature:30  Redis does not start",
        "        redis-server said: \\x1b[31mout of memory\\x1b[0m \\udcff",
        "",
        "Requirements",
        "  DEMO-05   ✗ failed (model double)  1 passed, 1 failed, 1 broken",
        "  DEMO-06   ~ partly verified        1 not verified, 1 not covered",
        "  AUDIT-01  ✗ failed (model double)  1 failed, 1 not verified",
        "  not covered by any scenario: TEST-01",
        "Scenarios  2 passed, 1 passed (model double), 1 failed (model double), 1 broken, 1 not verified",
        "Time       9.5 s = harness 1.0 s + stack 5.0 s + waiting 3.5 s",
        "Gate       ✗ red: interrupted by SIGTERM, 1 problem of the run itself, 1 scenario failed, "
        "1 broken bed",
        "Report     reports/index.html",
    ]


def test_a_long_list_of_failures_is_cut(result, scenarios) -> None:
    many = [replace(scenarios[1], location=f"features/x.feature:{n}", ids=()) for n in range(50)]
    red = replace(result, requirements=(), unassigned=tuple(many))
    lines = list(summary_lines(red, style=Style(), reports=_REPORTS))
    assert "  and 30 more" in lines
    assert sum("It is noticed" in line for line in lines) == 20
