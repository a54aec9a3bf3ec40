"""A verdict is printed with what it was shown with."""

import pytest

from support.report.model import verdict_text, worst


@pytest.mark.parametrize(
    ("status", "substitutes", "text"),
    [
        ("passed", (), "passed"),
        ("passed", ("model double",), "passed (model double)"),
        ("failed", ("model double", "times ×20"), "failed (model double, times ×20)"),
        ("partly verified", ("model double",), "partly verified (model double)"),
        ("not verified", ("model double",), "not verified"),
        ("not covered", (), "not covered"),
    ],
)
def test_a_verdict_names_its_substitutes_where_something_was_shown(status, substitutes, text) -> None:
    assert verdict_text(status, substitutes) == text


def test_of_nothing_the_worst_is_not_covered() -> None:
    assert worst([]) == "not covered"


def test_the_summary_names_each_substitute_once(result) -> None:
    assert result.requirements[0].counts == {"passed": 1, "failed": 1, "broken": 1}
    assert [s.name for s in result.scenarios][:2] == ["The panel is live", "The panel is there"]
