"""The words about the suite itself: what it says of a bad operator, and what it leaves behind."""

from hamcrest import contains_string, empty, equal_to, has_item, has_items

from support.evidence.eventually import expect
from support.gherkin import then, when
from support.sabotage.sabotage import named
from support.suite import SuiteRun
from support.testbed import TestBed

_PARTS = {
    "the repair": ("DEMO-05.4", "features/operator/rate_limiter_demo.feature"),
    "the diagnosis of a lost store": ("DEMO-04.3", None),
}
"""What is tested, in words: the criterion that says it, and the feature if not all of them."""
_GONE_WITHIN = 5.0


@when("the acceptance test of criterion {criterion} meets a {sabotage}")
async def meets(bed: TestBed, criterion: str, sabotage: str) -> None:
    bed.seen["suite"] = await bed.start_suite(criterion, sabotage=named(sabotage))


@when("the acceptance test of {part} is run")
async def is_run(bed: TestBed, part: str) -> None:
    bed.seen["suite"] = await _start(bed, part)


@when("the acceptance test of {part} joins that stack")
async def joins(bed: TestBed, part: str) -> None:
    bed.seen["found"] = await _condition(bed)
    bed.seen["suite"] = await _start(bed, part, join=bed.stack.environment["STACKCTL_SOCKET"])


@when("the acceptance test of {part} comes to {end} with a fault in place")
async def comes_to_its_end(bed: TestBed, part: str, end: str) -> None:
    suite = await _start(bed, part)
    await suite.fault_in_place()
    suite.end_by(end)
    bed.seen["suite"] = suite


@then("it ends green")
async def green(bed: TestBed) -> None:
    await _expect_status(bed, 0)


@then("it ends red")
async def red(bed: TestBed) -> None:
    await _expect_status(bed, 1)


@then('it names criterion {criterion}, and has seen "{words}"')
async def names_criterion(bed: TestBed, criterion: str, words: str) -> None:
    result = _suite(bed).criterion(criterion)
    expect(result.status, equal_to("failed"), of=f"the verdict on {criterion}")
    said = [scenario.reason or "" for scenario in result.scenarios]
    expect(said, has_item(contains_string(words)), of=f"the reasons for the verdict on {criterion}")


@then("it has started Redis and three rate limiter nodes of its own")
async def started_nodes(bed: TestBed) -> None:
    nodes = ("redis", *(f"ratelimiter-{number}" for number in (1, 2, 3)))
    expect(_suite(bed).nodes(), has_items(*nodes), of="the nodes that it started")


@then("it has started three PD members and three stores of its own")
async def started_tikv(bed: TestBed) -> None:
    nodes = (f"{kind}{number}" for kind in ("pd", "tikv") for number in range(3))
    expect(_suite(bed).nodes(), has_items(*nodes), of="the nodes that it started")


@then("it has started no node of its own")
async def started_nothing(bed: TestBed) -> None:
    expect(_suite(bed).nodes(), empty(), of="the nodes that it started")


@then("no process, no open port and no file of it is left but its reports")
async def nothing_left(bed: TestBed) -> None:
    with bed.spent.on("waiting"):
        await _suite(bed).ended()
    await bed.until(_suite(bed).left, empty(), within=_GONE_WITHIN)
    expect(_suite(bed).reports.is_dir(), equal_to(True), of="whether its reports are there")


@then("that stack runs on as it was found")
async def as_it_was_found(bed: TestBed) -> None:
    await bed.recovered(within=5)
    expect(await _condition(bed), equal_to(bed.seen["found"]), of="the stack that it joined")


async def _condition(bed: TestBed) -> dict[str, str]:
    """What the stack is; a node that was restarted is the same node."""
    return {name: value.partition(", pid")[0] for name, value in (await bed.stack.state()).items()}


async def _expect_status(bed: TestBed, status: int) -> None:
    with bed.spent.on("waiting"):
        ended = await _suite(bed).ended()
    expect(str(ended), equal_to(f"exit status {status}"), of="the end of the acceptance test")


async def _start(bed: TestBed, part: str, **settings: str) -> SuiteRun:
    criterion, feature = _PARTS[part]
    return await bed.start_suite(criterion, feature=feature, **settings)


def _suite(bed: TestBed) -> SuiteRun:
    suite: SuiteRun = bed.seen["suite"]
    return suite
