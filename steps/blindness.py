"""The words about a monitor that cannot see, or not all."""

import re

from hamcrest import equal_to

from support.evidence.eventually import expect
from support.evidence.matchers import a_ticket_for, only
from support.faults.redis_data import OverLimit
from support.gherkin import given, then
from support.testbed import TestBed

_FILED_WITHIN = 5.0


@given('the monitor has filed a ticket for counter "{key}", which stays over its limit')
async def has_filed(bed: TestBed, key: str) -> None:
    await bed.inject(OverLimit(bed.stack, key=key, limit=10, by=5))
    bed.seen["ticket"] = only(a_ticket_for("over_limit", key, status="open"))
    await bed.until(lambda: bed.operator.records().tickets, bed.seen["ticket"], within=_FILED_WITHIN)


@then("the monitor says within {seconds:g} seconds that it cannot see")
async def cannot_see(bed: TestBed, seconds: float) -> None:
    await bed.operator.says("that it cannot see", bed.operator.profile.output.cannot_see, within=seconds)


@then("none of its next {count:d} checks reports that all is passing")
async def never_passing(bed: TestBed, count: int) -> None:
    healthy = bed.operator.profile.output.healthy_check
    async for check in bed.operator.checks(count):
        passing = re.search(healthy, check.text) is not None
        expect(
            passing, equal_to(False), of="whether all is passing", because=f"the monitor said: {check.text}"
        )


@then("the ticket stays as it was, and no other is filed")
async def ticket_stays(bed: TestBed) -> None:
    expect(bed.operator.records().tickets, bed.seen["ticket"])


@then("the monitor reports within {seconds:g} seconds that all is passing")
async def passing_again(bed: TestBed, seconds: float) -> None:
    await bed.operator.says("that all is passing", bed.operator.profile.output.healthy_check, within=seconds)
