"""How Go writes sizes, durations, times and numbers."""

import pytest

from systems.tikv.pd.formats import byte_size, compact, duration, indented, timestamp

SECOND = 10**9


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (155, "155B"),
        (1024, "1KiB"),
        (34718351, "33.11MiB"),
        (195 << 30, "195GiB"),
        (int(183.1 * 2**30), "183.1GiB"),
        (1 << 62, "4096PiB"),
    ],
)
def test_a_size_has_binary_units_and_four_digits(count, text):
    assert byte_size(count) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1500, "1.5µs"),
        (2_000_000, "2ms"),
        (SECOND, "1s"),
        (123_456_789_012, "2m3.456789012s"),
        (30 * 60 * SECOND, "30m0s"),
        (3_600 * SECOND, "1h0m0s"),
        (49 * 3_600 * SECOND + 500_000_000, "49h0m0.5s"),
    ],
)
def test_a_duration_is_written_as_go_does(nanoseconds, text):
    assert duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_700_000_000 * SECOND, "2023-11-14T22:13:20Z"),
        (1_700_000_123_456_789_012, "2023-11-14T22:15:23.456789012Z"),
        (1_700_000_123_450_000_000, "2023-11-14T22:15:23.45Z"),
    ],
)
def test_a_time_has_as_many_digits_as_it_needs(nanoseconds, text):
    assert timestamp(nanoseconds) == text


def test_a_float_that_is_whole_is_written_without_a_point():
    assert compact({"a": [1.0, 2.5]}).body == b'{"a":[1,2.5]}'
    assert indented({"a": 1.0}).body == b'{\n  "a": 1\n}\n'
