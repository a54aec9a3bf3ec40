"""What a node measures of its checks, in the Prometheus text format.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from bisect import bisect_left

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# An alarm at a 99th percentile of 100 ms needs a bound at 100 ms and others close to it.
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0)


class CheckMetrics:
    """Counts since this process started."""

    def __init__(self, node_id: str) -> None:
        self._node = node_id
        self._answers = {True: 0, False: 0}
        self._errors = 0
        self._buckets = [0] * (len(_BOUNDS) + 1)
        self._seconds = 0.0

    def answered(self, allowed: bool, seconds: float) -> None:
        """Count a check that was allowed or refused by its limit."""
        self._answers[allowed] += 1
        self._took(seconds)

    def failed(self, seconds: float) -> None:
        """Count a check that was refused because Redis or its data could not answer it."""
        self._errors += 1
        self._took(seconds)

    def exposition(self) -> str:
        """Return all metrics as a scrape expects them."""
        node = f'node="{self._node}"'
        lines = [
            "# HELP ratelimiter_requests_total Checks answered, by outcome.",
            "# TYPE ratelimiter_requests_total counter",
            f'ratelimiter_requests_total{{{node},allowed="true"}} {self._answers[True]}',
            f'ratelimiter_requests_total{{{node},allowed="false"}} {self._answers[False]}',
            "# HELP ratelimiter_check_errors_total Checks refused for want of usable data.",
            "# TYPE ratelimiter_check_errors_total counter",
            f"ratelimiter_check_errors_total{{{node}}} {self._errors}",
            "# HELP ratelimiter_check_seconds Time to answer a check.",
            "# TYPE ratelimiter_check_seconds histogram",
        ]
        total = 0
        for bound, checks in zip((*_BOUNDS, "+Inf"), self._buckets, strict=True):
            total += checks
            lines.append(f'ratelimiter_check_seconds_bucket{{{node},le="{bound}"}} {total}')
        lines.append(f"ratelimiter_check_seconds_sum{{{node}}} {self._seconds}")
        lines.append(f"ratelimiter_check_seconds_count{{{node}}} {total}")
        return "\n".join(lines) + "\n"

    def _took(self, seconds: float) -> None:
        self._buckets[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds += seconds
