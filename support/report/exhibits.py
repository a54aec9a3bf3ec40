"""What the page shows of a scenario's evidence: its timeline, the conversation on record, screens, and
what was printed around a failure.

Everything is bounded; what is longer is cut, and the file it is from is linked.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from support.evidence.records import Entry, Records, Session, Ticket, read_records
from support.report.model import ScenarioResult

__all__ = ["exhibits"]

_EVENTS = 400
_TICKETS = 20
_ENTRIES = 120
_TEXT = 6000
_WORDS = 300
_SCREENS = 12


def exhibits(scenario: ScenarioResult, reports: Path) -> dict[str, Any]:
    """What there is to show, as the page's data; times are seconds since the scenario began.

    A file that is missing or unreadable is left out: the page shows the rest, and links to it.
    """
    shown: dict[str, Any] = {}
    paths = {Path(each).name: reports / each for each in scenario.evidence}
    if "timeline.ndjson" in paths:
        shown["timeline"] = list(_timeline(paths["timeline.ndjson"], scenario.began))[:_EVENTS]
    if "tickets.db" in paths:
        shown["tickets"] = _conversation(paths["tickets.db"])
    shown["screens"] = [
        {"name": Path(name).stem, "text": _cut(_text(path), _TEXT)}
        for name, path in paths.items()
        if name.endswith(".screen")
    ][:_SCREENS]
    if scenario.status in ("failed", "broken"):
        from support.report.printed import printed_around  # a report of what passed is written without it

        spools = [path for path in paths.values() if path.suffix in (".stdout", ".stderr")]
        moment = _moment(scenario)
        if lines := printed_around(moment, scenario.began, spools):
            shown["printed"] = {"at": moment, "lines": lines}
    return {name: what for name, what in shown.items() if what}


def _moment(scenario: ScenarioResult) -> float:
    """When it went wrong, in seconds since the scenario began."""
    step = scenario.failing_step
    return step.ended if step and step.ended is not None else scenario.seconds


def _timeline(path: Path, began: int) -> Iterator[dict[str, Any]]:
    """The events in order, a row of events of the same kind and detail as one."""
    last: dict[str, Any] | None = None
    for event in sorted(_lines(path), key=lambda event: int(event["at"])):
        detail = {str(k): _cut(str(v), _WORDS) for k, v in event.get("detail", {}).items()}
        told = {
            "kind": event["kind"],
            "who": event.get("node") or event.get("process") or "",
            "detail": detail,
        }
        if last is not None and all(last[name] == told[name] for name in told):
            last["times"] += 1
            continue
        last = {"at": round((int(event["at"]) - began) / 1e9, 3), "times": 1, **told}
        yield last


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    for line in _text(path).splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            continue
        if isinstance(event, dict) and {"kind", "at"} <= event.keys():
            yield event


def _conversation(path: Path) -> list[dict[str, Any]]:
    """Every ticket with the sessions on it; a session whose ticket is unknown comes last."""
    try:
        records = read_records(path)
    except (sqlite3.Error, OSError):
        return []
    told = [_ticket(ticket, records) for ticket in records.tickets[:_TICKETS]]
    known = {ticket.id for ticket in records.tickets}
    lost = [_session(session) for session in records.sessions if session.ticket_id not in known]
    return [*told, *([{"sessions": lost}] if lost else [])]


def _ticket(ticket: Ticket, records: Records) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "key": ticket.violation_key,
        "status": "escalated" if ticket.escalated else ticket.status,
        "message": _cut(ticket.message, _TEXT),
        "seen": ticket.occurrence_count,
        "diagnosis": _cut(ticket.diagnosis or "", _TEXT),
        "sessions": [_session(session) for session in records.sessions if session.ticket_id == ticket.id],
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "id": session.session_id,
        "status": session.status,
        "summary": _cut(session.outcome_summary or "", _TEXT),
        "entries": [_entry(entry) for entry in session.entries[:_ENTRIES]],
        "left": max(0, len(session.entries) - _ENTRIES),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    text = entry.command if entry.entry_type == "tool_call" and entry.command else entry.content
    told: dict[str, Any] = {"type": entry.entry_type, "text": _cut(text or "", _TEXT)}
    if entry.exit_code is not None:
        told["exit"] = entry.exit_code
    return told


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} … ({len(text) - most} more characters)"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="backslashreplace")
    except OSError:
        return ""
