"""The Prometheus text, read back the way a scrape reads it."""

import re

import pytest

from systems.ratelimiter.metrics import CheckMetrics

SAMPLE = re.compile(r'(\w+)\{((?:\w+="[^"]*",?)+)\} (\S+)')


def scraped(text: str) -> dict[str, float]:
    assert text.endswith("\n")
    lines = [line for line in text.splitlines() if not line.startswith("# ")]
    matches = [SAMPLE.fullmatch(line) for line in lines]
    assert all(matches), lines
    return {f"{match[1]}{{{match[2]}}}": float(match[3]) for match in matches}


def test_a_new_node_has_counted_nothing():
    samples = scraped(CheckMetrics("n").exposition())
    assert set(samples.values()) == {0.0}


def test_answers_are_counted_by_outcome_and_errors_apart():
    metrics = CheckMetrics("n")
    for allowed in (True, True, True, False):
        metrics.answered(allowed, 0.003)
    metrics.failed(0.8)
    samples = scraped(metrics.exposition())
    assert samples['ratelimiter_requests_total{node="n",allowed="true"}'] == 3
    assert samples['ratelimiter_requests_total{node="n",allowed="false"}'] == 1
    assert samples['ratelimiter_check_errors_total{node="n"}'] == 1
    assert samples['ratelimiter_check_seconds_count{node="n"}'] == 5
    assert samples['ratelimiter_check_seconds_sum{node="n"}'] == pytest.approx(0.812)


def test_buckets_are_cumulative_and_hold_their_own_bound():
    metrics = CheckMetrics("n")
    for seconds in (0.0005, 0.1, 0.1001, 30):
        metrics.answered(True, seconds)
    samples = scraped(metrics.exposition())

    def bucket(bound: str) -> float:
        return samples[f'ratelimiter_check_seconds_bucket{{node="n",le="{bound}"}}']

    assert [bucket(bound) for bound in ("0.001", "0.075", "0.1", "0.15", "1.0", "+Inf")] == [
        1,
        1,
        2,
        3,
        3,
        4,
    ]


def test_every_metric_is_introduced_by_its_type():
    text = CheckMetrics("n").exposition()
    types = re.findall(r"# TYPE (\w+) (\w+)", text)
    assert types == [
        ("ratelimiter_requests_total", "counter"),
        ("ratelimiter_check_errors_total", "counter"),
        ("ratelimiter_check_seconds", "histogram"),
    ]
