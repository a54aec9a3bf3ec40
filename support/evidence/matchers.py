"""PyHamcrest matchers in the vocabulary of the features, whose mismatches read as the error a person wants.

expect(records.tickets, only(a_ticket_for("over_limit", "checkout")))
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

from support.evidence.eventually import expect
from support.evidence.records import Entry, Records, Session, Ticket

T = TypeVar("T")


class _TicketFor(BaseMatcher[Ticket]):
    def __init__(self, invariant: str, identifier: str | None, status: str | None) -> None:
        self._key = f"{invariant}:{identifier}" if identifier else invariant
        self._invariant, self._identifier, self._status = invariant, identifier, status

    def _matches(self, item: Ticket) -> bool:
        return (
            item.violation_key == self._key
            and item.invariant_name == self._invariant
            and item.store_id == self._identifier
            and self._status in (None, item.status)
        )

    def describe_to(self, description: Description) -> None:
        status = f"{self._status} " if self._status else ""
        description.append_text(f"a {status}ticket for {self._key}")

    def describe_mismatch(self, item: Ticket, mismatch_description: Description) -> None:
        mismatch_description.append_text(describe_ticket(item))


class _Only(BaseMatcher[Sequence[Any]]):
    def __init__(self, matcher: BaseMatcher[Any] | None, what: str) -> None:
        self._matcher, self._what = matcher, what

    def _matches(self, item: Sequence[Any]) -> bool:
        return len(item) == 1 and (self._matcher is None or self._matcher.matches(item[0]))

    def describe_to(self, description: Description) -> None:
        description.append_text(f"exactly one {self._what}")
        if self._matcher is not None:
            self._matcher.describe_to(description.append_text(": "))

    def describe_mismatch(self, item: Sequence[Any], mismatch_description: Description) -> None:
        _list(item, self._what, mismatch_description)


class _TicketsFor(BaseMatcher[Sequence[Ticket]]):
    def __init__(self, keys: Iterable[str], status: str | None) -> None:
        self._keys, self._status = sorted(keys), status

    def _matches(self, item: Sequence[Ticket]) -> bool:
        return sorted(t.violation_key for t in item) == self._keys and all(
            self._status in (None, t.status) for t in item
        )

    def describe_to(self, description: Description) -> None:
        status = f"{self._status} " if self._status else ""
        description.append_text(f"one {status}ticket for each of {', '.join(self._keys)}, and no other")

    def describe_mismatch(self, item: Sequence[Ticket], mismatch_description: Description) -> None:
        _list(item, "ticket", mismatch_description)


class _NoTicket(BaseMatcher[Sequence[Ticket]]):
    def _matches(self, item: Sequence[Ticket]) -> bool:
        return not item

    def describe_to(self, description: Description) -> None:
        description.append_text("no ticket")

    def describe_mismatch(self, item: Sequence[Ticket], mismatch_description: Description) -> None:
        _list(item, "ticket", mismatch_description)


class _SessionThat(BaseMatcher[Session]):
    def __init__(self, status: str, mentions: Iterable[str]) -> None:
        self._status, self._mentions = status, tuple(mentions)

    def _matches(self, item: Session) -> bool:
        summary = (item.outcome_summary or "").lower()
        return item.status == self._status and all(m.lower() in summary for m in self._mentions)

    def describe_to(self, description: Description) -> None:
        description.append_text(f"a session that was {self._status}")
        if self._mentions:
            description.append_text(f", its summary naming {' and '.join(self._mentions)}")

    def describe_mismatch(self, item: Session, mismatch_description: Description) -> None:
        mismatch_description.append_text(describe_session(item))


class _TicketThat(BaseMatcher[Ticket]):
    def __init__(self, what: str, fits: Callable[[Ticket], bool]) -> None:
        self._what, self._fits = what, fits

    def _matches(self, item: Ticket) -> bool:
        return self._fits(item)

    def describe_to(self, description: Description) -> None:
        description.append_text(f"a ticket that is {self._what}")

    def describe_mismatch(self, item: Ticket, mismatch_description: Description) -> None:
        mismatch_description.append_text(describe_ticket(item))


class _AnyTicket(BaseMatcher[Sequence[Ticket]]):
    def _matches(self, item: Sequence[Ticket]) -> bool:
        return bool(item)

    def describe_to(self, description: Description) -> None:
        description.append_text("a ticket")

    def describe_mismatch(self, item: Sequence[Ticket], mismatch_description: Description) -> None:
        _list(item, "ticket", mismatch_description)


class _Worked(BaseMatcher[Records]):
    def _matches(self, item: Records) -> bool:
        ended = bool(item.sessions) and all(s.status != "running" for s in item.sessions)
        return ended and all(t.status == "resolved" or t.escalated for t in item.tickets)

    def describe_to(self, description: Description) -> None:
        description.append_text("a session that has ended, and its ticket resolved or escalated")

    def describe_mismatch(self, item: Records, mismatch_description: Description) -> None:
        _list(item.tickets, "ticket", mismatch_description)
        mismatch_description.append_text("\n  and ")
        _list(item.sessions, "session", mismatch_description)


class _Escalation(BaseMatcher[Records]):
    def __init__(self, part: str, tried: str) -> None:
        self._part, self._tried = part, tried

    def _matches(self, item: Records) -> bool:
        return len(item.tickets) == 1 and item.tickets[0].escalated and self._says(item.tickets[0].diagnosis)

    def _says(self, reason: str | None) -> bool:
        said = (reason or "").lower()
        return self._part.lower() in said and re.search(self._tried, said) is not None

    def describe_to(self, description: Description) -> None:
        description.append_text(
            f"exactly one ticket, escalated with a reason that names {self._part} and what was tried"
        )

    def describe_mismatch(self, item: Records, mismatch_description: Description) -> None:
        _list(item.tickets, "ticket", mismatch_description)
        mismatch_description.append_text("\n  and ")
        _list(item.sessions, "session", mismatch_description)


class _LineThat(BaseMatcher[str]):
    def __init__(self, says: str, pattern: str) -> None:
        self._says, self._pattern = says, pattern

    def _matches(self, item: str) -> bool:
        return re.search(self._pattern, item) is not None

    def describe_to(self, description: Description) -> None:
        description.append_text(f"a line that {self._says}")

    def describe_mismatch(self, item: str, mismatch_description: Description) -> None:
        mismatch_description.append_text(f"it was: {item}")


class _NumberUpTo(BaseMatcher[float | None]):
    def __init__(self, limit: float, unit: str) -> None:
        self._limit, self._unit = limit, unit

    def _matches(self, item: float | None) -> bool:
        return item is not None and item <= self._limit

    def describe_to(self, description: Description) -> None:
        description.append_text(f"within {self._limit:g} {self._unit}")

    def describe_mismatch(self, item: float | None, mismatch_description: Description) -> None:
        mismatch_description.append_text(
            "it did not happen" if item is None else f"it took {item:.3g} {self._unit}"
        )


class _Unchanged(BaseMatcher[Mapping[str, str]]):
    def __init__(self, before: Mapping[str, str]) -> None:
        self._before = before

    def _matches(self, item: Mapping[str, str]) -> bool:
        return item == self._before

    def describe_to(self, description: Description) -> None:
        description.append_text("everything but the broken part as it was before the fault")

    def describe_mismatch(self, item: Mapping[str, str], mismatch_description: Description) -> None:
        names = sorted(set(self._before) | set(item))
        changes = [
            f"{name} was {self._before.get(name, 'not there')} and is {item.get(name, 'gone')}"
            for name in names
            if self._before.get(name) != item.get(name)
        ]
        mismatch_description.append_text("; ".join(changes))


def a_ticket_for(invariant: str, identifier: str | None, *, status: str | None = None) -> BaseMatcher[Ticket]:
    """Matches a ticket for this invariant on this part of the cluster (None: cluster-wide)."""
    return _TicketFor(invariant, identifier, status)


def only(matcher: BaseMatcher[Any], what: str = "ticket") -> BaseMatcher[Sequence[Any]]:
    """Matches a list that holds one thing, which the matcher matches."""
    return _Only(matcher, what)


def the_only(things: Iterable[T], what: str = "ticket") -> T:
    """The one ticket or session there is. Raises AssertionError, showing them, when that is not so."""
    found = list(things)
    expect(found, _Only(None, what))
    return found[0]


def tickets_for(keys: Iterable[str], *, status: str | None = None) -> BaseMatcher[Sequence[Ticket]]:
    """Matches a list with one ticket for each violation key, and no other ticket."""
    return _TicketsFor(keys, status)


def no_ticket() -> BaseMatcher[Sequence[Ticket]]:
    """Matches an empty list of tickets."""
    return _NoTicket()


def a_session_that_was(status: str, *, naming: Iterable[str] = ()) -> BaseMatcher[Session]:
    """Matches an audit session with this outcome, whose summary names all of `naming`."""
    return _SessionThat(status, naming)


def an_escalated_ticket(*, naming: str) -> BaseMatcher[Ticket]:
    """Matches an escalated ticket whose diagnosis names this word."""
    return _TicketThat(
        f"escalated and names {naming}", lambda each: each.escalated and naming in (each.diagnosis or "")
    )


def a_ticket_that_is(status: str) -> BaseMatcher[Ticket]:
    """Matches a ticket of any violation with this status."""
    return _TicketThat(status, lambda each: each.status == status)


def a_ticket_in_hand() -> BaseMatcher[Ticket]:
    """Matches a ticket that an agent holds and has come to no end with."""
    return _TicketThat("held by an agent", lambda each: each.held and each.status == "acknowledged")


def a_ticket() -> BaseMatcher[Sequence[Ticket]]:
    """Matches a list with at least one ticket."""
    return _AnyTicket()


def a_worked_ticket() -> BaseMatcher[Records]:
    """Matches records in which every session has ended and every ticket is resolved or escalated."""
    return _Worked()


def an_escalation(part: str, tried: str) -> BaseMatcher[Records]:
    """Matches records of one ticket, escalated with a reason that names the part and what was tried.

    `tried` is a regular expression, for lower case.
    """
    return _Escalation(part, tried)


def a_line_that(says: str, pattern: str) -> BaseMatcher[str]:
    """Matches a line of output in which the regular expression is found; `says` is for the error."""
    return _LineThat(says, pattern)


def a_number_up_to(limit: float, unit: str) -> BaseMatcher[float | None]:
    """Matches a measure that was taken and is not above the limit."""
    return _NumberUpTo(limit, unit)


def unchanged_from(before: Mapping[str, str]) -> BaseMatcher[Mapping[str, str]]:
    """Matches a state that is the same as `before`; a mismatch names each difference."""
    return _Unchanged(before)


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


def _list(items: Sequence[Any], what: str, description: Description) -> None:
    if not items:
        description.append_text(f"there was no {what}")
        return
    lines = [describe_ticket(i) if isinstance(i, Ticket) else describe_session(i) for i in items]
    description.append_text(f"there were {len(items)}:" if len(items) > 1 else "there was:")
    for line in lines:
        description.append_text(f"\n    {line}")
