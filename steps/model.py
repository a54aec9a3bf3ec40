"""The words about the model behind the agent: what it says, what goes wrong with it, what it costs."""

from collections.abc import Mapping, Sequence

from hamcrest import (
    contains_string,
    empty,
    equal_to,
    greater_than,
    greater_than_or_equal_to,
    has_item,
    less_than_or_equal_to,
    matches_regexp,
)

from steps.operator import watching
from support.evidence.eventually import expect
from support.evidence.matchers import (
    a_ticket,
    a_worked_ticket,
    describe_session,
    describe_ticket,
    no_ticket,
    the_only,
)
from support.evidence.records import place_ticket
from support.faults.redis_data import OverLimit
from support.faults.refilled import RefilledOverLimit
from support.gherkin import given, then, when
from support.model import on_call_engineer
from support.model.misbehaving import MISBEHAVIOURS, lapses, only_for
from support.model.table import script_of
from support.sabotage.liar_model import script as liar
from support.testbed import TestBed
from support.verdict import BrokenBed

_NEXT = "search"
_TAKEN_WITHIN = 5.0
_FOLLOWED_WITHIN = 0.5  # after the operator has written something down, its records have been read
_REFUSES_CONNECTIONS = "refuses connections"


@given("an operator with these limits:")
async def limits(bed: TestBed, table: Sequence[Mapping[str, str]]) -> None:
    bed.limits = {row["limit"].replace(" ", "_"): row["value"] for row in table}


@given("a model that answers by this script:")
async def scripted(bed: TestBed, table: Sequence[Mapping[str, str]]) -> None:
    bed.script = script_of(table)


@given('a model that {misbehaves}, as long as the ticket for counter "{key}" is worked')
async def misbehaving(bed: TestBed, misbehaves: str, key: str) -> None:
    bed.seen["refuses"] = misbehaves == _REFUSES_CONNECTIONS
    bad = on_call_engineer if bed.seen["refuses"] else _known(MISBEHAVIOURS, misbehaves)
    bed.script = only_for(key, bad, otherwise=on_call_engineer)


@given("a model that {lapses_once} once, and then works the ticket")
async def lapsing(bed: TestBed, lapses_once: str) -> None:
    bed.script = _known(lapses(on_call_engineer), lapses_once)


@given("a model that first claims a repair it has not made, and repairs when it is asked again")
async def lying_at_first(bed: TestBed) -> None:
    told: list[str] = []

    def script(conversation):  # type: ignore[no-untyped-def]
        told.append(conversation.id)
        return liar(conversation) if len(told) == 1 else on_call_engineer(conversation)

    bed.script = script


@given("the agent is waiting alone, with no ticket open")
async def agent_alone(bed: TestBed) -> None:
    await bed.start_operator(monitor=False)
    if bed.seen.get("refuses"):
        bed.double.refuse_connections()
    expect(bed.operator.records().tickets, no_ticket())


@given("a real model behind the agent")
async def real_model(bed: TestBed) -> None:
    bed.expect_real_model()
    await bed.start_operator()
    await watching(bed)


@when('counter "{key}" is pushed {by:d} over its limit of {limit:d}, and a ticket is placed for it')
async def push_and_place(bed: TestBed, key: str, by: int, limit: int) -> None:
    fault = OverLimit(bed.stack, key=key, limit=limit, by=by)
    await bed.inject(fault)
    place_ticket(bed.operator.database, *_violation(key), fault.title)


@when(
    'counter "{key}" is pushed {by:d} over its limit of {limit:d}, and is filled again whenever it is reset'
)
async def push_again_and_again(bed: TestBed, key: str, by: int, limit: int) -> None:
    await bed.inject(RefilledOverLimit(bed.stack, key=key, limit=limit, by=by))
    await bed.until(lambda: bed.operator.records().tickets, a_ticket(), within=_TAKEN_WITHIN)


@then("the reason names what the agent tried")
async def names_what_was_tried(bed: TestBed) -> None:
    ticket = the_only(bed.operator.records().tickets)
    bed.repair()  # it did try something that changed the stack
    expect((ticket.diagnosis or "").lower(), matches_regexp(r"\b(reset|clear|delet|remov|empt|tried)"))


@then('in the end counter "{key}" is repaired')
async def repaired_in_the_end(bed: TestBed, key: str) -> None:
    limit = (await bed.stack.counters())[key].limit

    async def count() -> int:
        return await bed.stack.count(key)

    await bed.until(count, less_than_or_equal_to(limit), within=bed.patience)


@then("the ticket is escalated within {seconds:g} seconds, for a reason that names {reason}")
async def escalated(bed: TestBed, seconds: float, reason: str) -> None:
    def tickets() -> list[str]:
        return [describe_ticket(ticket) for ticket in bed.operator.records().tickets]

    await bed.until(tickets, has_item(contains_string("ESCALATED: ")), within=seconds)
    await bed.until(bed.operator.records, a_worked_ticket(), within=_TAKEN_WITHIN)
    ticket = the_only(bed.operator.records().tickets)
    said = (ticket.diagnosis or "").lower()
    names = [name for name in reason.lower().split(" or ") if name in said]
    expect(len(names), greater_than(0), of=f"of {reason}, what the reason names", because=said)


@then("its session is recorded as {status}")
async def recorded_as(bed: TestBed, status: str) -> None:
    session = the_only(bed.operator.records().sessions, "session")
    expect(session.status, equal_to(status), of="the session", because=describe_session(session))
    expect(session.outcome_summary or "", greater_than(""), of="its summary")


@then("nothing was changed by the agent")
async def nothing_changed(bed: TestBed) -> None:
    expect(bed.changes, empty(), of="changes to the stack", because="the model asked for none")


@then("the agent works the next ticket to its end")
async def next_ticket(bed: TestBed) -> None:
    if bed.seen.get("refuses"):
        await bed.double.accept_connections()
    number = place_ticket(bed.operator.database, *_violation(_NEXT), "it was over its limit for a moment")

    def worked() -> str:
        ticket = the_only(t for t in bed.operator.records().tickets if t.id == number)
        return describe_ticket(ticket)

    await bed.until(worked, contains_string("resolved"), within=bed.patience)


@then("the model was asked again {seconds:g} seconds later or more")
async def asked_later(bed: TestBed, seconds: float) -> None:
    pauses = [
        (after.at - before.done) / 1e9
        for before, after in zip(bed.double.exchanges, bed.double.exchanges[1:], strict=False)
        if before.troubled
    ]
    expect(len(pauses), greater_than(0), of="answers that were asked for again")
    expect(min(pauses), greater_than_or_equal_to(seconds), of="seconds before the model was asked again")


@then("each answer that went wrong was asked for again")
async def asked_again(bed: TestBed) -> None:
    exchanges = bed.double.exchanges
    troubled = [at for at, each in enumerate(exchanges) if each.troubled]
    expect(len(troubled), greater_than(0), of="answers that went wrong")
    for at in troubled:
        expect(len(exchanges), greater_than(at + 1), of="requests", because="the last answer went wrong")
        expect(
            exchanges[at + 1].request["messages"],
            equal_to(exchanges[at].request["messages"]),
            of="what the next request asked",
        )


@then('a ticket for counter "{key}" is open again within {count:d} checks of the claim')
async def counter_open_again(bed: TestBed, key: str, count: int) -> None:
    await open_again(bed, f"counter {key}", count)


async def open_again(bed: TestBed, what: str, count: int) -> None:
    # The check that was under way when the claim was made may have looked before the ticket was resolved.
    await bed.until(lambda: _resolutions(bed), greater_than_or_equal_to(1), within=bed.patience)
    async for _ in bed.operator.checks(count + 1):
        if _opened_after_claim(bed):
            return
    try:
        await bed.until(lambda: _opened_after_claim(bed), equal_to(True), within=_FOLLOWED_WITHIN)
    except AssertionError:
        told = "\n    ".join(describe_ticket(ticket) for ticket in bed.operator.records().tickets)
        raise AssertionError(
            f"expected: a ticket for {what} is open again after {count} checks\n  but: there was: {told}"
        ) from None


def _resolutions(bed: TestBed) -> int:
    return sum(event.kind == "ticket.resolved" for event in bed.timeline.events)


def _opened_after_claim(bed: TestBed) -> bool:
    claimed = next(event.at for event in bed.timeline.events if event.kind == "ticket.resolved")
    return any(event.kind == "ticket.opened" and event.at > claimed for event in bed.timeline.events)


def _known(known: Mapping[str, object], words: str):  # type: ignore[no-untyped-def]
    try:
        return known[words]
    except KeyError:
        raise BrokenBed(f"no model {words!r} is known; known are: {', '.join(known)}") from None


def _violation(key: str) -> tuple[str, str]:
    return "over_limit", key
