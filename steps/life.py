"""The words about the operator's life: how its processes start, wait, and take a ticket."""

import hashlib
from pathlib import Path

from hamcrest import (
    contains_string,
    empty,
    equal_to,
    greater_than,
    has_items,
    has_properties,
    is_not,
    less_than_or_equal_to,
    none,
)

from support import scene
from support.evidence.eventually import expect
from support.evidence.matchers import no_ticket
from support.faults.redis_data import OverLimit
from support.gherkin import given, then, when
from support.supervisor import ProcessError
from support.testbed import TestBed
from support.verdict import BrokenBed

_IN_ORDER = {
    "one after the other, the agent first": (("agent",), ("monitor",)),
    "one after the other, the monitor first": (("monitor",), ("agent",)),
    "at the same instant": (("agent", "monitor"),),
}
_AGENTS = ("agent", "second agent", "third agent", "fourth agent")


@given("a database that {state}")
async def database_that(bed: TestBed, state: str) -> None:
    operator = await bed.host_operator()
    scene.prepare(operator.database, state)
    bed.seen["database"] = _content(operator.database)


@when("monitor and agent are started {order}")
async def start_in_order(bed: TestBed, order: str) -> None:
    if order not in _IN_ORDER:
        raise BrokenBed(f"no order {order!r}; known are {'; '.join(_IN_ORDER)}")
    for names in _IN_ORDER[order]:
        await bed.start(*names)


@when("the monitor and four agents are started at the same instant")
async def start_many(bed: TestBed) -> None:
    await bed.start("monitor", *_AGENTS)


@when("an agent is started alone")
async def start_alone(bed: TestBed) -> None:
    await bed.start("agent")


@given("an agent runs alone, with no ticket open")
async def agent_alone(bed: TestBed) -> None:
    await bed.start("agent")
    expect(bed.operator.records().tickets, no_ticket())


@then("both are ready, and none has printed an error")
@then("all of them are ready, and none has printed an error")
@then("it is ready, and has printed no error")
async def ready_without_error(bed: TestBed) -> None:
    bed.operator.expect_alive()
    for name, process in bed.operator.processes.items():
        errors = [line.text for line in process.output.lines(bed.operator.profile.output.error)]
        expect(errors, empty(), of=f"errors that the {name} printed")


@then("the database holds tickets, audit sessions and their entries")
async def has_tables(bed: TestBed) -> None:
    expect(
        scene.tables_of(bed.operator.database),
        has_items("tickets", "agent_sessions", "agent_log_entries"),
        of="tables of the database",
    )


@then("the monitor's next {count:d} checks report that all is passing")
async def checks_pass(bed: TestBed, count: int) -> None:
    async for check in bed.operator.checks(count):
        bed.expect_passing(check)


@when("the {name} is started on it")
async def start_in_vain(bed: TestBed, name: str) -> None:
    bed.seen["refused"] = await bed.operator.start_in_vain(name)


@then("it ends by itself, with an error that names the database")
async def refuses(bed: TestBed) -> None:
    process = bed.seen["refused"]
    expect(
        process.exit,
        has_properties(status=greater_than(0), signal=none()),
        of="how it ended",
        because=f"it cannot use its database\n{process.output.describe()}",
    )
    said = "\n".join(process.output.tail(50))
    expect(said, contains_string(bed.operator.database.name), of="what it printed")
    expect(said, is_not(contains_string("Traceback")), of="what it printed")


@then("the database is as it was")
async def database_untouched(bed: TestBed) -> None:
    expect(_content(bed.operator.database), equal_to(bed.seen["database"]), of="the content of the file")


@when("the agent has looked for tickets {count:d} times")
async def polls(bed: TestBed, count: int) -> None:
    output, timing = bed.operator.profile.output, bed.operator.profile.timing
    with bed.spent.on("waiting"):
        try:
            await bed.operator.agent.output.never(output.error, for_=count * timing.poll)
        except ProcessError as error:
            raise AssertionError(str(error)) from error


@then("no model was called")
async def no_model_called(bed: TestBed) -> None:
    asked = [f"{exchange.method} {exchange.path}" for exchange in bed.model.exchanges]
    expect(asked, empty(), of="requests to the model", because="there is no ticket to work")


@when('a ticket for counter "{key}" is placed in the database')
async def place_ticket(bed: TestBed, key: str) -> None:
    bed.seen["filed"] = scene.file_ticket(bed.operator.database, "over_limit", key)


@then("the agent has taken it within {seconds:g} second")
async def taken_within(bed: TestBed, seconds: float) -> None:
    filed = bed.seen["filed"]
    agent, pattern = bed.operator.agent, bed.operator.profile.output.ticket_taken
    with bed.spent.on("waiting"):
        try:
            line = await agent.output.line(pattern, within=seconds + 1)
        except ProcessError as error:
            raise AssertionError(str(error)) from error
    expect(line.text, contains_string(str(filed.id)), of="the line that tells which ticket it takes")
    expect(
        (line.at - filed.at) / 1e9,
        less_than_or_equal_to(seconds),
        of="seconds from the ticket to the agent that takes it",
    )


def _content(database: Path) -> str:
    """What is in the file, in short, for comparison."""
    if not database.exists():
        return "no file"
    content = database.read_bytes()
    return f"{len(content)} bytes with the SHA-256 sum {hashlib.sha256(content).hexdigest()}"


@when('counter "{key}" stands {by:d} over its limit of {limit:d}, and a ticket says so')
async def fault_and_ticket(bed: TestBed, key: str, by: int, limit: int) -> None:
    await bed.inject(OverLimit(bed.stack, key=key, limit=limit, by=by))
    await place_ticket(bed, key)
