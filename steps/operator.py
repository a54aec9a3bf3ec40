"""The words about the operator: what monitor and agent do, say, and leave behind."""

import re
from contextlib import aclosing

from hamcrest import empty, equal_to, less_than_or_equal_to

from support.evidence.eventually import expect
from support.evidence.matchers import no_ticket
from support.gherkin import given, then, when
from support.testbed import TestBed

_SETTLED_AFTER = 5
"""Checks, of which one must report that all is passing: the first may come before everything answers."""


@given("the operator is watching, with no ticket open")
async def operator_watching(bed: TestBed) -> None:
    await bed.start_operator()
    await watching(bed)


@given("the monitor is watching alone, with no ticket open")
async def monitor_watching(bed: TestBed) -> None:
    await bed.start_operator(agent=False)
    await watching(bed)


@given("the operator is watching with its own thresholds, with no ticket open")
async def operator_watching_in_earnest(bed: TestBed) -> None:
    await bed.start_operator(shortened=False)
    await watching(bed)


@given("the monitor is watching alone with its own thresholds, with no ticket open")
async def monitor_watching_in_earnest(bed: TestBed) -> None:
    await bed.start_operator(agent=False, shortened=False)
    await watching(bed)


async def watching(bed: TestBed) -> None:
    healthy = bed.operator.profile.output.healthy_check
    async with aclosing(bed.operator.checks(_SETTLED_AFTER)) as checks:
        async for check in checks:
            if re.search(healthy, check.text):
                break
    bed.expect_passing(check)
    expect(bed.operator.records().tickets, no_ticket())


@when("the monitor makes {count:d} checks")
async def make_checks(bed: TestBed, count: int) -> None:
    bed.seen["checks"] = [check async for check in bed.operator.checks(count)]


@then("each of them reports that all is passing")
@then("each of the checks reports that all is passing")
async def all_passing(bed: TestBed) -> None:
    for check in bed.seen["checks"]:
        bed.expect_passing(check)


@then("the agent is waiting for tickets")
async def agent_waits(bed: TestBed) -> None:
    bed.operator.expect_alive()
    expect(
        bed.operator.records().sessions, empty(), of="audit sessions", because="there is no ticket to work"
    )


@then("the monitor reports the violation within {seconds:g} seconds of the stack showing it")
async def violation_reported(bed: TestBed, seconds: float) -> None:
    await bed.violation_reported(within=seconds)


@when("the {name} is told to stop")
async def tell_to_stop(bed: TestBed, name: str) -> None:
    bed.seen["ended"] = await bed.operator.tell_to_stop(name)


@then("the {name} ends with status {status:d} within {seconds:g} seconds")
async def has_ended(bed: TestBed, name: str, status: int, seconds: float) -> None:
    expect(
        str(bed.seen["ended"].exit), equal_to(f"exit status {status}"), because=f"the {name} was told to stop"
    )
    expect(bed.seen["ended"].seconds, less_than_or_equal_to(seconds))


@then("no process of the {name} is left")
async def nothing_left(bed: TestBed, name: str) -> None:
    left = [f"{each.command} (pid {each.pid})" for each in bed.seen["ended"].left]
    expect(left, empty(), of=f"processes that the {name} started", because="it has ended")
