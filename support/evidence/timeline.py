"""The events of a scenario, written to `timeline.ndjson` as they happen, and what is measured between them.

`at` is monotonic time in nanoseconds, which durations are computed from; `wall` is RFC 3339 time for people.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from support.evidence.redaction import Redactor

Kind = Literal[
    "stack.steady",
    "fault.injected",
    "fault.shown",
    "violation.reported",
    "ticket.opened",
    "session.started",
    "tool.called",
    "tool.returned",
    "session.ended",
    "ticket.resolved",
    "fault.healed",
    "bed.broken",
    "process.started",
    "process.exited",
]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened: `at` in monotonic nanoseconds, `wall` in RFC 3339."""

    kind: Kind
    at: int
    wall: str
    node: str | None = None
    process: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


class Timeline:
    """Collects the events of one scenario; each is on disk before `record` returns."""

    def __init__(self, path: Path, *, redactor: Redactor | None = None) -> None:
        self._events: list[Event] = []
        self._redactor = redactor
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    @property
    def events(self) -> tuple[Event, ...]:
        """The events so far, ordered by the time they happened at."""
        return tuple(sorted(self._events, key=lambda event: event.at))

    def record(
        self,
        kind: Kind,
        *,
        at: int | None = None,
        node: str | None = None,
        process: str | None = None,
        **detail: object,
    ) -> Event:
        """Add an event; `at` (monotonic ns) is now unless it is known more exactly."""
        if kind not in get_args(Kind):
            raise ValueError(f"{kind!r} is not a kind of event")
        now = time.monotonic_ns()
        at = now if at is None else at
        wall = datetime.fromtimestamp((time.time_ns() - (now - at)) / 1e9, UTC)
        event = Event(kind=kind, at=at, wall=wall.isoformat(), node=node, process=process, detail=detail)
        self._events.append(event)
        line = json.dumps({k: v for k, v in asdict(event).items() if v}, default=str)
        if self._redactor is not None:
            line = self._redactor.text(line, f"the timeline, {kind}")
        self._file.write(f"{line}\n")
        self._file.flush()
        return event

    def close(self) -> None:
        """Close the file; the events stay readable."""
        self._file.close()


def measures(events: Iterable[Event]) -> dict[str, float]:
    """Return the measures that these events allow, in seconds; one whose events are missing is left out.

    An operator may see a fault a moment before the suite has asked the stack for it: that counts as 0.
    """
    ordered = sorted(events, key=lambda event: event.at)
    injected = _first(ordered, "fault.injected")
    shown = _first(ordered, "fault.shown", after=injected)
    opened = _first(ordered, "ticket.opened", after=injected)
    spans: dict[str, tuple[Event | None, Event | None]] = {
        "time_to_detect": (shown, _first(ordered, "violation.reported", after=injected)),
        "time_to_ticket": (shown, opened),
        "time_to_diagnose": (
            opened,
            _first(ordered, "tool.called", after=opened, that=lambda e: e.detail.get("changes")),
        ),
        "time_to_repair": (injected, _first(ordered, "stack.steady", after=injected)),
        "time_to_resolve": (opened, _first(ordered, "ticket.resolved", after=opened)),
    }
    return {
        name: max(0, end.at - start.at) / 1e9
        for name, (start, end) in spans.items()
        if start is not None and end is not None
    }


def _first(
    ordered: list[Event],
    kind: Kind,
    *,
    after: Event | None = None,
    that: Callable[[Event], object] = lambda _: True,
) -> Event | None:
    since = after.at if after else 0
    return next((e for e in ordered if e.kind == kind and e.at >= since and that(e)), None)
