"""The words about an agent that is interrupted in the middle of a ticket, and about the one that follows."""

import signal
import time

from hamcrest import any_of, empty, equal_to, has_length

from support import scene
from support.evidence.eventually import expect
from support.evidence.matchers import (
    a_session_that_was,
    a_ticket_in_hand,
    a_ticket_that_is,
    a_worked_ticket,
    an_escalated_ticket,
    describe_session,
    only,
    the_only,
)
from support.faults.redis_data import OverLimit
from support.gherkin import given, then, when
from support.model import on_call_engineer
from support.model.held import MOMENTS, SIGN, Hold, held, keep_waiting
from support.testbed import TestBed
from support.verdict import BrokenBed

_HELD_WITHIN = 20.0
_WORKED_WITHIN = 30.0


@given("the agent is held on a ticket while {moment}")
async def held_while(bed: TestBed, moment: str) -> None:
    await will_be_held(bed, moment)
    await bed.start("agent")
    bed.seen["filed"] = scene.file_ticket(bed.operator.database, "over_limit", "checkout")
    await is_held(bed)


async def will_be_held(bed: TestBed, moment: str) -> None:
    """Prepare the model so that the agent that takes the first ticket is held at this moment."""
    if moment not in MOMENTS:
        raise BrokenBed(f"no agent can be held while {moment!r}; known are {'; '.join(MOMENTS)}")

    def lock() -> None:
        bed.seen["lock"] = scene.locked(bed.operator.database)

    bed.seen["hold"] = Hold()
    bed.script = held(MOMENTS[moment], bed.seen["hold"], lock=lock)


async def is_held(bed: TestBed) -> None:
    """Return when the agent is held. Raises AssertionError when it does not come that far."""
    sign = bed.operator.private_directory / SIGN
    await bed.until(lambda: bed.seen["hold"].taken or sign.exists(), equal_to(True), within=_HELD_WITHIN)


@given("the agent is paused before a ticket is filed")
async def paused(bed: TestBed) -> None:
    await bed.start("agent")
    bed.operator.bare("agent").pause()
    bed.seen["filed"] = scene.file_ticket(bed.operator.database, "over_limit", "checkout")


@when("the {name} is sent {number}")
async def is_sent(bed: TestBed, name: str, number: str) -> None:
    bed.operator.send(name, signal.Signals[number])
    unlock(bed)
    bed.seen["ended"] = await bed.operator.ended(name)


@when("the agent is killed outright, and another agent is started")
async def killed_and_followed(bed: TestBed) -> None:
    bed.operator.send("agent", signal.SIGKILL)
    bed.seen["ended"] = await bed.operator.ended("agent")
    unlock(bed)
    await bed.start("next agent")


def unlock(bed: TestBed) -> None:
    """Let everybody record again, if a moment keeps them from it."""
    if "lock" in bed.seen:
        bed.seen.pop("lock").close()


@then("session and ticket are escalated, and name {number}")
async def escalated(bed: TestBed, number: str) -> None:
    records = bed.operator.records()
    expect(records.sessions, only(a_session_that_was("escalated", naming=[number]), "session"))
    expect(records.tickets, only(an_escalated_ticket(naming=number)))


@then("the ticket is still open, or it is escalated and names {number}")
async def open_or_escalated(bed: TestBed, number: str) -> None:
    ticket = the_only(bed.operator.records().tickets)
    expect(ticket, any_of(a_ticket_that_is("open"), an_escalated_ticket(naming=number)))


@then("the ticket is resolved, or it is escalated and names {number}")
async def resolved_or_escalated(bed: TestBed, number: str) -> None:
    records = bed.operator.records()
    ticket = the_only(records.tickets)
    expect(ticket, any_of(a_ticket_that_is("resolved"), an_escalated_ticket(naming=number)))
    outcome = "resolved" if ticket.status == "resolved" else "escalated"
    expect(records.sessions, only(a_session_that_was(outcome), "session"))


@then("the other agent works the ticket to its end")
async def taken_up(bed: TestBed) -> None:
    await bed.until(bed.operator.records, a_worked_ticket(), within=_WORKED_WITHIN)
    ticket = the_only(bed.operator.records().tickets)
    expect(ticket, a_ticket_that_is("resolved"))
    taken = bed.operator.taken("next agent")
    expect(taken, has_length(1), of="what the other agent printed of the tickets it took")


@then("one session on it was resolved, and none is left running")
async def one_resolved(bed: TestBed) -> None:
    sessions = bed.operator.records().sessions
    expect([s for s in sessions if s.status == "resolved"], only(a_session_that_was("resolved"), "session"))
    running = [describe_session(s) for s in sessions if s.status == "running"]
    expect(running, empty(), of="sessions that still run", because="their agent is dead")


@given('the operator has found counter "{key}" over its limit, and the model keeps the agent waiting')
async def kept_waiting(bed: TestBed, key: str) -> None:
    hold = bed.seen["hold"] = Hold()
    bed.script = keep_waiting(hold, on_call_engineer)
    await bed.start_operator()
    await bed.inject(OverLimit(bed.stack, key=key, limit=10, by=5))
    await bed.until(lambda: hold.taken, equal_to(True), within=_HELD_WITHIN)


@when('counter "{key}" comes within its limit by itself')
async def heals_itself(bed: TestBed, key: str) -> None:
    await bed.stack.clear(key)
    bed.seen["healed"] = time.time()


@then("the monitor's next {count:d} checks report that all is passing, and the ticket stays with the agent")
async def stays_with_the_agent(bed: TestBed, count: int) -> None:
    async for _ in bed.operator.checks(1):
        pass  # the check that was under way may have looked before
    async for check in bed.operator.checks(count):
        bed.expect_passing(check)
        expect(bed.operator.records().tickets, only(a_ticket_in_hand()))


@then("when the model answers, the agent works the ticket to its end")
async def answers(bed: TestBed) -> None:
    bed.seen["hold"].let_go()
    await bed.until(bed.operator.records, a_worked_ticket(), within=_WORKED_WITHIN)


@then("the agent has changed nothing")
async def changed_nothing(bed: TestBed) -> None:
    changes = [change.what for change in bed.changes if change.wall > bed.seen["healed"]]
    expect(changes, empty(), of="changes to the stack", because="the fault had healed before")


@when("the agent is told to stop, and another agent is started")
async def stopped_and_followed(bed: TestBed) -> None:
    bed.seen["ended"] = await bed.operator.tell_to_stop("agent")
    await bed.start("next agent")


@then("the ticket comes to the other agent, which works it to its end")
async def comes_to_the_other(bed: TestBed) -> None:
    await bed.until(
        lambda: bed.operator.records().tickets, only(a_ticket_that_is("resolved")), within=_WORKED_WITHIN
    )
    taken = bed.operator.taken("next agent")
    expect(taken, has_length(1), of="what the other agent printed of the tickets it took")


@then("no other ticket was filed")
async def no_other(bed: TestBed) -> None:
    expect(bed.operator.records().tickets, only(a_ticket_that_is("resolved")))
