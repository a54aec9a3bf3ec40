"""The words about several agents on one database, of which exactly one works a given ticket."""

import signal

from hamcrest import equal_to, greater_than, has_length

from support import scene
from support.evidence.eventually import expect
from support.evidence.matchers import (
    a_ticket_in_hand,
    a_ticket_that_is,
    a_worked_ticket,
    describe_session,
    the_only,
)
from support.evidence.records import Session, Ticket
from support.gherkin import given, then, when
from support.model import Conversation, Reply
from support.testbed import TestBed

_WORKED_WITHIN = 30.0


@given("a second agent is running")
async def second_agent(bed: TestBed) -> None:
    await bed.start("second agent")


@given("a second agent and a third agent are running")
async def two_more_agents(bed: TestBed) -> None:
    await bed.start("second agent", "third agent")


@given("two agents are running, with no ticket open")
async def two_agents(bed: TestBed) -> None:
    bed.script = _nothing_to_do
    await bed.start("agent", "second agent")


@given("the agent is paused")
async def paused(bed: TestBed) -> None:
    bed.operator.bare("agent").pause()


@when("a second ticket is filed")
async def second_ticket(bed: TestBed) -> None:
    bed.seen["second"] = scene.file_ticket(bed.operator.database, "over_limit", "search")


@when("{count:d} tickets are filed at once")
async def file_tickets(bed: TestBed, count: int) -> None:
    bed.seen["tickets"] = count
    for number in range(count):
        scene.file_ticket(bed.operator.database, "over_limit", f"customer-{number}")


@when("the agent is killed outright")
async def kill(bed: TestBed) -> None:
    bed.operator.send("agent", signal.SIGKILL)
    await bed.operator.ended("agent")


@then("the second agent works the second ticket to its end")
async def second_is_worked(bed: TestBed) -> None:
    await bed.until(
        lambda: _ticket(bed, bed.seen["second"].id), a_ticket_that_is("resolved"), within=_WORKED_WITHIN
    )


@then("the first ticket is still with the agent")
async def first_is_held(bed: TestBed) -> None:
    first = bed.seen["filed"].id
    sessions = [describe_session(each) for each in _sessions_on(bed, first)]
    expect(sessions, has_length(1), of=f"sessions on ticket #{first}, which the agent holds")
    expect(_ticket(bed, first), a_ticket_in_hand())


@then("when the model answers, the agent works the first ticket to its end")
async def first_is_worked(bed: TestBed) -> None:
    bed.seen["hold"].let_go()
    await bed.until(
        lambda: _ticket(bed, bed.seen["filed"].id), a_ticket_that_is("resolved"), within=_WORKED_WITHIN
    )


@then("one of the others works the ticket to its end")
async def one_of_the_others(bed: TestBed) -> None:
    await bed.until(bed.operator.records, a_worked_ticket(), within=_WORKED_WITHIN)
    taken = bed.operator.taken("second agent") + bed.operator.taken("third agent")
    expect(taken, has_length(1), of="times that one of the others took the ticket")
    again = [s for s in bed.operator.records().sessions if s.status == "resolved"]
    expect([describe_session(s) for s in again], has_length(1), of="sessions that were resolved")


@then("all of them are worked to their end")
async def all_worked(bed: TestBed) -> None:
    def resolved() -> int:
        return sum(each.status == "resolved" for each in bed.operator.records().tickets)

    await bed.until(resolved, equal_to(bed.seen["tickets"]), within=_WORKED_WITHIN)


@then("each ticket was worked once")
async def worked_once(bed: TestBed) -> None:
    for ticket in bed.operator.records().tickets:
        sessions = [describe_session(each) for each in _sessions_on(bed, ticket.id)]
        expect(sessions, has_length(1), of=f"sessions on ticket #{ticket.id}")
    asked = {exchange.conversation for exchange in bed.model.exchanges}
    expect(asked, has_length(len(bed.operator.records().tickets)), of="conversations with the model")


@then("both agents have worked some of them")
async def both_worked(bed: TestBed) -> None:
    for name in ("agent", "second agent"):
        expect(len(bed.operator.taken(name)), greater_than(0), of=f"tickets that the {name} took")


def _ticket(bed: TestBed, number: int) -> Ticket:
    return the_only(each for each in bed.operator.records().tickets if each.id == number)


def _sessions_on(bed: TestBed, number: int) -> list[Session]:
    return [each for each in bed.operator.records().sessions if each.ticket_id == number]


def _nothing_to_do(conversation: Conversation) -> Reply:
    if not conversation.turns:
        return Reply("I look.", ["echo looked"])
    return Reply("RESOLVED: I looked; nothing was to be done.")
