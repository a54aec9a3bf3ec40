"""Times in the database."""

from datetime import UTC, datetime, timedelta, timezone

from systems.operator import clock


def test_what_is_written_reads_back_as_the_same_moment() -> None:
    moment = clock.now()
    assert clock.read(clock.written(moment)) == moment


def test_written_times_have_one_length_so_that_texts_sort_as_moments() -> None:
    whole = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert len(clock.written(whole)) == len(clock.written(whole + timedelta(microseconds=1)))


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    there = datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert clock.written(there) == "2026-01-02T03:04:05.000000+00:00"
    assert clock.read("2026-01-02T05:04:05+02:00") == there


def test_a_time_without_a_zone_is_utc_and_no_time_is_none() -> None:
    assert clock.read("2026-01-02T03:04:05") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert clock.read("yesterday") is None
    assert clock.read("") is None
    assert clock.read(None) is None
