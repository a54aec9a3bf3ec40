"""Which session worked on which fault: by its ticket, by its summary, and by the changes it made."""

import re
from collections.abc import Sequence

from support.evidence.matchers import describe_session
from support.evidence.records import Records, Session
from support.faults.fault import Expected, Fault
from support.stacks.stack import Change


def resolved_session(records: Records, expected: Expected) -> Session:
    """The one resolved session on the ticket for a violation.

    Raises AssertionError when there is none or more, or when its summary does not name the broken part and
    what was done.
    """
    tickets = {ticket.id for ticket in records.tickets if ticket.violation_key == expected.key}
    found = [s for s in records.sessions if s.ticket_id in tickets and s.status == "resolved"]
    told = "\n    ".join(describe_session(session) for session in records.sessions) or "no session"
    if len(found) != 1:
        raise AssertionError(
            f"expected: one resolved session on the ticket for {expected.key}\n"
            f"  but: there were {len(found)}; on record is {told}"
        )
    summary = (found[0].outcome_summary or "").lower()
    if expected.part.lower() not in summary or not re.search(expected.remedy, summary):
        raise AssertionError(
            f"expected: the summary names {expected.part} and what was done to it\n"
            f"  but: it was {found[0].outcome_summary!r}"
        )
    return found[0]


def expect_apart(records: Records, faults: Sequence[Fault], changes: Sequence[Change]) -> None:
    """Raise AssertionError unless each fault was repaired by the session on its own ticket alone."""
    repaired = [(fault, resolved_session(records, fault.expected)) for fault in faults if fault.expected]
    for change in changes:
        session = _session_at(records, change)
        own = [own.session_id for fault, own in repaired if _concerns(change, fault)]
        if session is None or session.session_id not in own:
            raise AssertionError(
                f"expected: every change is made by the session on the ticket of what it concerns\n"
                f"  but: {change.what!r} was made during "
                + (describe_session(session) if session else "no session at all")
            )


def _concerns(change: Change, fault: Fault) -> bool:
    return any(name.rpartition(" ")[2] in change.what for name in fault.breaks)


def _session_at(records: Records, change: Change) -> Session | None:
    """The session of the last tool call before a change."""
    calls = [
        (entry.wall, entry.id, session)
        for session in records.sessions
        for entry in session.entries
        if entry.entry_type == "tool_call" and entry.wall <= change.wall
    ]
    return max(calls, key=lambda call: call[:2])[2] if calls else None
