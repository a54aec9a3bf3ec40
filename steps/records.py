"""The words about the operator's records: tickets, audit sessions and what they say."""

import re
import time

from hamcrest import contains_string, empty, greater_than, less_than, matches_regexp
from hamcrest.core.base_matcher import BaseMatcher

from support.evidence.eventually import expect
from support.evidence.matchers import (
    a_session_that_was,
    a_ticket,
    a_ticket_for,
    a_worked_ticket,
    describe_ticket,
    no_ticket,
    only,
    the_only,
)
from support.evidence.records import Ticket
from support.faults.redis_data import OverLimit
from support.gherkin import given, then
from support.testbed import TestBed

_FILED_WITHIN = 5.0


@then("one ticket is filed, for invariant {invariant} on {part}")
async def one_ticket(bed: TestBed, invariant: str, part: str) -> None:
    bed.seen["ticket"] = only(a_ticket_for(invariant, named(part)))
    await bed.until(lambda: bed.operator.records().tickets, bed.seen["ticket"], within=_FILED_WITHIN)


@then("one ticket is filed within {seconds:g} seconds, for invariant {invariant} on {part}")
async def one_ticket_within(bed: TestBed, seconds: float, invariant: str, part: str) -> None:
    wanted = only(a_ticket_for(invariant, named(part)))
    await bed.until(lambda: bed.operator.records().tickets, wanted, within=seconds)


@then("no ticket is filed within {seconds:g} seconds")
async def no_ticket_within(bed: TestBed, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        async for _ in bed.operator.checks(1):
            expect(bed.operator.records().tickets, no_ticket())


@then("no other ticket is filed during {count:d} checks")
async def no_other_ticket(bed: TestBed, count: int) -> None:
    async for _ in bed.operator.checks(count):
        expect(bed.operator.records().tickets, bed.seen["ticket"])


@then("no ticket is filed")
async def no_ticket_filed(bed: TestBed) -> None:
    expect(bed.operator.records().tickets, no_ticket())


@given('the agent has worked a ticket for counter "{key}" to its end')
async def has_worked(bed: TestBed, key: str) -> None:
    await bed.inject(OverLimit(bed.stack, key=key, limit=10, by=5))
    await works_to_its_end(bed)


@then("the agent works the ticket to its end")
async def works_to_its_end(bed: TestBed) -> None:
    await bed.until(lambda: bed.operator.records().tickets, a_ticket(), within=_FILED_WITHIN)
    await bed.until(bed.operator.records, a_worked_ticket(), within=bed.patience)


@then("before its first command that changes anything the agent ran one that only looks")
async def looked_first(bed: TestBed) -> None:
    repair = bed.repair()
    expect(
        len(repair.looks),
        greater_than(0),
        of="commands that only looked, before the first that changed something",
        because=f"that one was: {repair.call.command}",
    )


@then('its reasoning names counter "{key}" and that it is over its limit')
async def reasoning_names(bed: TestBed, key: str) -> None:
    reasoning = " ".join(bed.repair().reasoning)
    expect(reasoning, contains_string(key), of="the reasoning before the change")
    expect(reasoning.lower(), matches_regexp(r"\b(over|above|exceed\w*|beyond|more than)\b.*\blimit"))


@then('the change to counter "{key}" was made by a command of the agent')
async def changed_by_the_agent(bed: TestBed, key: str) -> None:
    repair = bed.repair()
    expect(
        repair.change.what,
        contains_string(key),
        of="the change to the stack",
        because=f"the agent ran: {repair.call.command}",
    )


@then("the ticket is resolved within {seconds:g} seconds")
async def ticket_resolved(bed: TestBed, seconds: float) -> None:
    await bed.until(lambda: _tickets_of(bed), only(_resolved(bed)), within=seconds)
    await bed.until(lambda: _unresolved_of_others(bed), empty(), within=bed.patience)


@then("the repair came before the resolution")
async def repaired_before_resolved(bed: TestBed) -> None:
    last = bed.changes[-1] if bed.changes else bed.repair().change
    the_only(_tickets_of(bed))
    expect(
        last.wall,
        less_than(max(ticket.resolved_wall or 0 for ticket in bed.operator.records().tickets)),
        of="the time of the last change, before that of the resolution (seconds since the epoch)",
        because=f"the change was {last.what}",
    )


@then("the violation stays cleared for {count:d} checks")
async def stays_cleared(bed: TestBed, count: int) -> None:
    async for _ in bed.operator.checks(1):
        pass  # the check that was under way when the ticket was resolved may have looked before the repair
    number = 0
    async for check in bed.operator.checks(count):
        number += 1
        wrong = [] if re.search(bed.profile.output.healthy_check, check.text) else [f"it says {check.text}"]
        if await bed.fault.shown():
            wrong.append(f"{bed.fault.title}, as the stack shows it")
        tickets = _tickets_of(bed)
        if not only(_resolved(bed)).matches(tickets):
            wrong += map(describe_ticket, tickets)
        expect(wrong, empty(), of=f"what is wrong again at check {number} of {count} after the resolution")


@then('one session on the ticket was resolved, its summary naming counter "{key}" and what was done')
async def session_resolved(bed: TestBed, key: str) -> None:
    records = bed.operator.records()
    ticket = the_only(records.tickets)
    sessions = [s for s in records.sessions if s.ticket_id == ticket.id]
    expect(sessions, only(a_session_that_was("resolved", naming=[key]), "session"))
    expect(
        (sessions[0].outcome_summary or "").lower(),
        matches_regexp(r"\b(reset|clear|delet|remov|empt|drain|drop)"),
        of="the summary, saying what was done",
    )


def named(part: str) -> str | None:
    """The name in a part as the features write it, such as `counter "checkout"`; None for the whole of it."""
    return part.split('"')[1] if '"' in part else None


def _tickets_of(bed: TestBed) -> list[Ticket]:
    """All tickets but those that the repair brought on."""
    return [ticket for ticket in bed.operator.records().tickets if not _brought_on(bed, ticket)]


def _unresolved_of_others(bed: TestBed) -> list[str]:
    others = (ticket for ticket in bed.operator.records().tickets if _brought_on(bed, ticket))
    return [describe_ticket(ticket) for ticket in others if ticket.status != "resolved"]


def _brought_on(bed: TestBed, ticket: Ticket) -> bool:
    """Whether the repair brought this ticket on: it may restart what the fault broke, and on a busy machine
    a restart lasts long enough to be a violation of its own."""
    broken = {name.rpartition(" ")[2] for name in bed.fault.breaks}
    return ticket.invariant_name != bed.expected.invariant and ticket.store_id in broken


def _resolved(bed: TestBed) -> BaseMatcher[Ticket]:
    expected = bed.expected
    return a_ticket_for(expected.invariant, expected.identifier, status="resolved")
