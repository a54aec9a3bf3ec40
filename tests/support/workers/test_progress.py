"""What is shown while scenarios run: lines that change in place on a terminal, one now and then elsewhere."""

import io

import pytest

from support.report.console import Style
from support.workers.progress import AtWork, Progress, State

STATE = State(
    total=165,
    done=40,
    red=("failed A blind monitor",),
    at_work=(
        AtWork(name="Redis is killed", sentence="When the agent works", seconds=3.21),
        AtWork(name="Redis is paused", sentence="Then it is repaired", seconds=12.0),
    ),
    to_go=61.4,
)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def test_a_terminal_shows_every_scenario_at_work_and_what_it_waits_for(monkeypatch, clock) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = _Terminal()
    Progress(terminal, style=Style(), clock=clock).show(lambda: STATE)
    assert terminal.getvalue().splitlines() == [
        "",
        "40 of 165 scenarios done, 2 at work, about 61 s to go",
        "    3.2 s  Redis is killed: When the agent works",
        "   12.0 s  Redis is paused: Then it is repaired",
        "  red: failed A blind monitor",
    ]


def test_what_changes_is_taken_away_before_anything_that_stays(monkeypatch, clock) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = _Terminal()
    progress = Progress(terminal, style=Style(), clock=clock)
    progress.show(lambda: STATE)
    progress.clear()
    progress.clear()
    assert terminal.getvalue().endswith("failed A blind monitor\n\x1b[5A\x1b[J")


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_elsewhere_there_is_a_line_now_and_then_and_nothing_of_a_terminal(monkeypatch, clock, term) -> None:
    monkeypatch.setenv("TERM", term)
    stream = _Terminal() if term == "dumb" else io.StringIO()
    progress = Progress(stream, style=Style(), clock=clock)
    for clock.now in (0.0, 5.0, 19.0, 21.0, 22.0, 30.0):
        progress.show(lambda: STATE)
    progress.clear()
    assert stream.getvalue() == (
        "… 40 of 165 scenarios done, 2 at work, about 61 s to go; "
        "longest at work: Redis is paused (12 s), at: Then it is repaired; red: failed A blind monitor\n"
    )


def test_what_a_stream_cannot_show_is_escaped(clock) -> None:
    stream = io.StringIO()
    progress = Progress(stream, style=Style(encoding="ascii"), clock=clock)
    clock.now = 60.0
    progress.show(lambda: STATE)
    assert stream.getvalue().startswith("\\u2026 40 of 165")
