"""Earlier runs are remembered by criterion; what changed since, and what is flaky, is said."""

import sqlite3
from dataclasses import replace

import pytest

from support.report.history import KEPT, remember
from support.report.model import RunResult


def _run(result: RunResult, number: int, status: str = "passed", **about) -> RunResult:
    """A run of one criterion."""
    criterion = replace(result.criteria[0], status=status, text=about.pop("text", "Startup."))
    requirement = replace(result.requirements[0], criteria=(criterion,), scenarios=())
    run = replace(result.run, started=f"2025-03-{number:02}T12:00:00Z", **about)
    return replace(result, run=run, requirements=(requirement,), unassigned=())


def _seen(result: RunResult):
    return result.criteria[0]


def test_the_first_run_has_no_past(tmp_path, result) -> None:
    seen = _seen(remember(_run(result, 1), tmp_path))
    assert (seen.past, seen.flaky, seen.changed) == ((), False, None)


def test_later_runs_tell_earlier_verdicts_the_latest_first(tmp_path, result) -> None:
    for number, status in ((1, "passed"), (2, "failed"), (3, "broken")):
        remember(_run(result, number, status), tmp_path)
    past = _seen(remember(_run(result, 4), tmp_path)).past
    assert [p.status for p in past] == ["broken", "failed", "passed"]
    assert past[0].started == "2025-03-03T12:00:00Z"
    assert past[0].on == "process, model double, operator built-in"


def test_what_was_not_run_is_not_remembered(tmp_path, result) -> None:
    remember(_run(result, 1, "not verified"), tmp_path)
    assert _seen(remember(_run(result, 2), tmp_path)).past == ()


@pytest.mark.parametrize(
    ("then", "flaky"),
    [
        ({}, True),
        ({"code": "another"}, False),
        ({"operator": "built-in, sabotaged: liar_model"}, False),
        ({"code": None}, False),
    ],
)
def test_flaky_is_what_comes_out_differently_with_nothing_changed(tmp_path, result, then, flaky) -> None:
    remember(_run(result, 1, "failed", **then), tmp_path)
    assert _seen(remember(_run(result, 2, "passed"), tmp_path)).flaky is flaky


def test_a_text_that_changed_since_it_was_verified_is_named_with_what_it_was(tmp_path, result) -> None:
    remember(_run(result, 1), tmp_path)
    remember(_run(result, 2, "failed", text="Startup within 5 s."), tmp_path)
    changed = _seen(remember(_run(result, 3, text="Startup within 5 s."), tmp_path)).changed
    assert changed is not None
    assert (changed.text, changed.verified) == ("Startup.", "2025-03-01T12:00:00Z")
    assert _seen(remember(_run(result, 4, text="Startup within 5 s."), tmp_path)).changed is None


def test_the_history_is_bounded(tmp_path, result) -> None:
    for _ in range(KEPT + 5):
        remember(_run(result, 1), tmp_path)
    with sqlite3.connect(tmp_path / "history.sqlite") as history:
        assert history.execute("SELECT count(*) FROM runs").fetchone() == (KEPT,)
        assert history.execute("SELECT count(*) FROM verdicts").fetchone() == (KEPT,)
    history.close()


def test_a_history_that_cannot_be_read_is_begun_anew(tmp_path, result) -> None:
    (tmp_path / "history.sqlite").write_text("not a database, and longer than the header of one " * 9)
    remember(_run(result, 1), tmp_path)
    assert len(_seen(remember(_run(result, 2), tmp_path)).past) == 1
