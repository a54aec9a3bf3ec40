"""How many scenarios run side by side."""

from pathlib import Path

import pytest

from support.config import Settings, load_settings
from support.workers.jobs import Load, jobs_of


def _settings(**defines: str) -> Settings:
    return load_settings(defines=defines, environ={}, file={}, base=Path("/nowhere"))


def test_there_are_no_more_workers_than_scenarios() -> None:
    assert jobs_of(8, settings=_settings(), scenarios=3) == 3


def test_one_is_the_least() -> None:
    assert jobs_of(0, settings=_settings(), scenarios=1) == 1


def test_zero_is_as_many_as_the_machine_bears(monkeypatch) -> None:
    monkeypatch.setattr("support.workers.jobs._cores", lambda: 4.0)
    monkeypatch.setattr("support.workers.jobs._available_memory", lambda: 8 * 2**30)
    assert jobs_of(0, settings=_settings(), scenarios=100) == 6
    monkeypatch.setattr("support.workers.jobs._available_memory", lambda: 2**30)
    assert jobs_of(0, settings=_settings(), scenarios=100) == 2


@pytest.mark.parametrize(
    "changes",
    [{"join": "socket"}, {"project": "mine", "stack": "docker"}, {"model": "live"}, {"model": "record"}],
)
def test_what_is_there_only_once_is_used_by_one_scenario_at_a_time(changes) -> None:
    assert jobs_of(4, settings=_settings(**changes), scenarios=100) == 1


def test_a_machine_that_is_busy_otherwise_bears_no_more_until_it_is_not() -> None:
    runnable, now = [2], [0.0]
    load = Load(cores=2, runnable=lambda: runnable[0], clock=lambda: now[0])

    def after(seconds: float) -> bool:
        now[0] += seconds
        return load.bears_more(1)

    assert after(60)
    runnable[0] = 40
    assert after(0.01)  # for a moment many may be
    assert not after(60)
    assert load.bears_more(0)
    runnable[0] = 2
    assert after(60)


def test_the_run_itself_is_no_load(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("support.workers.jobs._LOAD", tmp_path / "loadavg")
    now = [0.0]
    load = Load(cores=2, clock=lambda: now[0])
    for runnable, borne in ((4, True), (5, False)):  # 1.5 for each core, and the run that looks
        (tmp_path / "loadavg").write_text(f"0.50 0.40 0.30 {runnable}/180 4711\n")
        now[0] += 60
        assert load.bears_more(1) is borne
