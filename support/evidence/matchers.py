"""PyHamcrest matchers in the vocabulary of the features, whose mismatches read as the error a person wants.

expect(records.tickets, only(a_ticket_for("over_limit", "checkout")))
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

from support.evidence.eventually import expect
from support.evidence.records import Entry, Records, Session, Ticket

T = TypeVar("T")


class _That(BaseMatcher[Any]):
    """What fits, in words, and what is said of anything else."""

    def __init__(self, what: str, fits: Callable[[Any], bool], seen: Callable[[Any], str]) -> None:
        self._what, self._fits, self._seen = what, fits, seen

    def _matches(self, item: Any) -> bool:
        return self._fits(item)

    def describe_to(self, description: Description) -> None:
        description.append_text(self._what)

    def describe_mismatch(self, item: Any, mismatch_description: Description) -> None:
        mismatch_description.append_text(self._seen(item))


def a_ticket_for(invariant: str, identifier: str | None, *, status: str | None = None) -> BaseMatcher[Ticket]:
    """Matches a ticket for this invariant on this part of the cluster (None: cluster-wide)."""
    key = f"{invariant}:{identifier}" if identifier else invariant
    return _That(
        f"a {_and_then(status)}ticket for {key}",
        lambda ticket: (
            (ticket.violation_key, ticket.invariant_name, ticket.store_id) == (key, invariant, identifier)
            and status in (None, ticket.status)
        ),
        describe_ticket,
    )


def only(matcher: BaseMatcher[Any], what: str = "ticket") -> BaseMatcher[Sequence[Any]]:
    """Matches a list that holds one thing, which the matcher matches."""
    return _That(
        f"exactly one {what}: {matcher}",
        lambda things: len(things) == 1 and matcher.matches(things[0]),
        partial(_list, what),
    )


def the_only(things: Iterable[T], what: str = "ticket") -> T:
    """The one ticket or session there is. Raises AssertionError, showing them, when that is not so."""
    found = list(things)
    expect(found, _That(f"exactly one {what}", lambda things: len(things) == 1, partial(_list, what)))
    return found[0]


def tickets_for(keys: Iterable[str], *, status: str | None = None) -> BaseMatcher[Sequence[Ticket]]:
    """Matches a list with one ticket for each violation key, and no other ticket."""
    wanted = sorted(keys)
    return _That(
        f"one {_and_then(status)}ticket for each of {', '.join(wanted)}, and no other",
        lambda tickets: (
            sorted(ticket.violation_key for ticket in tickets) == wanted
            and all(status in (None, ticket.status) for ticket in tickets)
        ),
        partial(_list, "ticket"),
    )


def no_ticket() -> BaseMatcher[Sequence[Ticket]]:
    """Matches an empty list of tickets."""
    return _That("no ticket", lambda tickets: not tickets, partial(_list, "ticket"))


def a_session_that_was(status: str, *, naming: Iterable[str] = ()) -> BaseMatcher[Session]:
    """Matches an audit session with this outcome, whose summary names all of `naming`, in any case."""
    names = tuple(naming)

    def fits(session: Session) -> bool:
        summary = (session.outcome_summary or "").lower()
        return session.status == status and all(name.lower() in summary for name in names)

    naming_them = f", its summary naming {' and '.join(names)}" if names else ""
    return _That(f"a session that was {status}{naming_them}", fits, describe_session)


def an_escalated_ticket(*, naming: str) -> BaseMatcher[Ticket]:
    """Matches an escalated ticket whose diagnosis names this word."""
    return _That(
        f"a ticket that is escalated and names {naming}",
        lambda ticket: ticket.escalated and naming in (ticket.diagnosis or ""),
        describe_ticket,
    )


def a_ticket_that_is(status: str) -> BaseMatcher[Ticket]:
    """Matches a ticket of any violation with this status."""
    return _That(f"a ticket that is {status}", lambda ticket: ticket.status == status, describe_ticket)


def a_ticket_in_hand() -> BaseMatcher[Ticket]:
    """Matches a ticket that an agent holds and has come to no end with."""
    return _That(
        "a ticket that is held by an agent",
        lambda ticket: ticket.held and ticket.status == "acknowledged",
        describe_ticket,
    )


def a_ticket() -> BaseMatcher[Sequence[Ticket]]:
    """Matches a list with at least one ticket."""
    return _That("a ticket", bool, partial(_list, "ticket"))


def a_worked_ticket() -> BaseMatcher[Records]:
    """Matches records in which every session has ended and every ticket is resolved or escalated."""
    return _That(
        "a session that has ended, and its ticket resolved or escalated",
        lambda records: (
            bool(records.sessions)
            and all(session.status != "running" for session in records.sessions)
            and all(ticket.status == "resolved" or ticket.escalated for ticket in records.tickets)
        ),
        _describe_records,
    )


def an_escalation(part: str, tried: str) -> BaseMatcher[Records]:
    """Matches records of one ticket, escalated with a reason that names the part and what was tried.

    `tried` is a regular expression, for lower case.
    """

    def fits(records: Records) -> bool:
        if len(records.tickets) != 1 or not records.tickets[0].escalated:
            return False
        reason = (records.tickets[0].diagnosis or "").lower()
        return part.lower() in reason and re.search(tried, reason) is not None

    return _That(
        f"exactly one ticket, escalated with a reason that names {part} and what was tried",
        fits,
        _describe_records,
    )


def a_line_that(says: str, pattern: str) -> BaseMatcher[str]:
    """Matches a line of output in which the regular expression is found; `says` is for the error."""
    return _That(
        f"a line that {says}",
        lambda line: re.search(pattern, line) is not None,
        lambda line: f"it was: {line}",
    )


def a_number_up_to(limit: float, unit: str) -> BaseMatcher[float | None]:
    """Matches a measure that was taken and is not above the limit."""
    return _That(
        f"within {limit:g} {unit}",
        lambda taken: taken is not None and taken <= limit,
        lambda taken: "it did not happen" if taken is None else f"it took {taken:.3g} {unit}",
    )


def unchanged_from(before: Mapping[str, str]) -> BaseMatcher[Mapping[str, str]]:
    """Matches a state that is the same as `before`; a mismatch names each difference."""

    def differences(now: Mapping[str, str]) -> str:
        return "; ".join(
            f"{name} was {before.get(name, 'not there')} and is {now.get(name, 'gone')}"
            for name in sorted({*before, *now})
            if before.get(name) != now.get(name)
        )

    return _That(
        "everything but the broken part as it was before the fault", lambda now: now == before, differences
    )


def describe_ticket(ticket: Ticket) -> str:
    """A ticket in one line."""
    ending = f", {ticket.diagnosis}" if ticket.diagnosis else ""
    held = " and held" if ticket.held else ""
    return f"ticket #{ticket.id} for {ticket.violation_key}, {ticket.status}{held}{ending}"


def describe_session(session: Session) -> str:
    """An audit session in one line, and a line for each of its entries."""
    head = f"session {session.session_id} on ticket #{session.ticket_id}, {session.status}"
    summary = f": {session.outcome_summary}" if session.outcome_summary else ", without a summary"
    return "\n    ".join([head + summary, *(describe_entry(entry) for entry in session.entries)])


def describe_entry(entry: Entry) -> str:
    """An audit entry in one line of at most 160 characters."""
    text = entry.command or entry.content
    line = f"{entry.entry_type}: {' '.join(text.split())}"
    return line if len(line) <= 160 else f"{line[:159]}…"


def _describe_records(records: Records) -> str:
    return f"{_list('ticket', records.tickets)}\n  and {_list('session', records.sessions)}"


def _list(what: str, items: Sequence[Any]) -> str:
    if not items:
        return f"there was no {what}"
    lines = [describe_ticket(i) if isinstance(i, Ticket) else describe_session(i) for i in items]
    head = f"there were {len(items)}:" if len(items) > 1 else "there was:"
    return "\n    ".join([head, *lines])


def _and_then(status: str | None) -> str:
    return f"{status} " if status else ""
