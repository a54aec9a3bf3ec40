"""A wall clock that jumps: nothing waits by it, and a scenario in which it did says so."""

import re
import time

import pytest
from hamcrest import equal_to

from support.evidence.clock import WallClock
from support.evidence.eventually import eventually
from support.evidence.timeline import Timeline, measures


@pytest.fixture
def jump(monkeypatch):
    """Sets the wall clock by so many seconds from now on."""
    real, real_ns = time.time, time.time_ns

    def by(seconds):
        monkeypatch.setattr(time, "time", lambda: real() + seconds)
        monkeypatch.setattr(time, "time_ns", lambda: real_ns() + int(seconds * 1e9))

    return by


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_a_wait_is_as_long_as_it_was_meant_to_be(jump, seconds):
    looks = 0

    def observe():
        nonlocal looks
        looks += 1
        jump(seconds * looks)
        return looks

    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"waited: 0\.2 s"):
        await eventually(observe, equal_to(0), within=0.2)
    assert 0.2 <= time.monotonic() - began < 2
    assert looks > 2


def test_what_is_measured_and_its_order_do_not_change(jump, tmp_path):
    timeline = Timeline(tmp_path / "timeline.ndjson")
    now = time.monotonic_ns()
    timeline.record("fault.injected", at=now)
    timeline.record("fault.shown", at=now + 100_000_000)
    jump(-3600)
    timeline.record("violation.reported", at=now + 600_000_000)
    timeline.close()
    assert measures(timeline.events)["time_to_detect"] == 0.5
    assert [event.kind for event in timeline.events][-1] == "violation.reported"


@pytest.mark.parametrize(
    ("seconds", "said"), [(3600, r"jumped by \+3600\.0 s"), (-60, r"jumped by -60\.0 s")]
)
def test_a_jump_is_noticed(jump, seconds, said):
    clock = WallClock()
    jump(seconds)
    problem = clock.problem()
    assert problem is not None
    assert re.search(said, problem)


def test_a_small_correction_is_no_jump(jump):
    clock = WallClock()
    jump(0.3)
    assert clock.problem() is None
