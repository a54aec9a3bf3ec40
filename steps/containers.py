"""The words about stacks of containers."""

from hamcrest import empty

from support.evidence.eventually import expect
from support.gherkin import given, then, when
from support.testbed import TestBed


@given("a rate limiter stack of containers in its steady state")
async def borrow_stack(bed: TestBed) -> None:
    bed.expect_containers()
    await bed.borrow_stack("ratelimiter")


@when("the whole stack is taken down and started anew")
async def renew(bed: TestBed) -> None:
    bed.seen["old"] = bed.stack
    await bed.renew_stack()


@then("nothing of the old one is left")
async def nothing_left(bed: TestBed) -> None:
    expect(bed.seen["old"].left(), empty(), of="what the engine has of the old stack")
