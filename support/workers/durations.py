"""How long scenarios took when they last ran: `durations.json` beside the reports.

It only decides what begins first, so one that is missing or makes no sense is as good as none.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from support.report.model import ScenarioResult

__all__ = ["DURATIONS", "Durations"]

DURATIONS = "durations.json"
_UNKNOWN = 2.0
_LEAST = 0.01


class Durations:
    """Seconds by scenario; a scenario is known by its file and its name, for lines move."""

    def __init__(self, reports: Path) -> None:
        self._path = reports / DURATIONS
        self._seconds = _read(self._path)
        known = sorted(self._seconds.values())
        self._usual = known[len(known) // 2] if known else _UNKNOWN

    def of(self, path: str, name: str) -> float:
        """Seconds that this scenario will take; what most take, when it has not run yet."""
        return max(_LEAST, self._seconds.get(_key(path, name), self._usual))

    def remember(self, results: Iterable[ScenarioResult]) -> None:
        """Note how long those took that passed. Raises OSError when it cannot be written."""
        took = {_key(r.path, r.name): round(r.seconds, 2) for r in results if r.status == "passed"}
        if not took:
            return
        self._seconds.update(took)
        new = self._path.with_name(f".{DURATIONS}.{os.getpid()}")
        new.write_text(json.dumps(self._seconds, indent=0, sort_keys=True), encoding="utf-8")
        new.replace(self._path)


def _key(path: str, name: str) -> str:
    return f"{path}: {name}"


def _read(path: Path) -> dict[str, float]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: float(value) for key, value in found.items() if isinstance(value, (int, float))}
