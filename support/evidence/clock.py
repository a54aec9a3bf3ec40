"""The wall clock, which nothing is waited by: it only orders what other programs have recorded."""

import time

_JUMP = 1.0
"""Seconds; what keeps clocks in step makes smaller corrections."""


class WallClock:
    """Watches from now on whether the wall clock is set, against the monotonic one."""

    def __init__(self) -> None:
        self._offset = self._now()

    def problem(self) -> str | None:
        """What it did, in words, when it jumped: times on record cannot be compared then."""
        jump = self._now() - self._offset
        if abs(jump) < _JUMP:
            return None
        return (
            f"the clock of this machine jumped by {jump:+.1f} s during the scenario, so what was recorded "
            "cannot be put in order; run it again"
        )

    @staticmethod
    def _now() -> float:
        return time.time() - time.monotonic()
