"""The words about the rate limiter: its steady state, its counters, its traffic, its faults."""

import anyio
from hamcrest import (
    equal_to,
    greater_than,
    greater_than_or_equal_to,
    has_properties,
    less_than_or_equal_to,
)

from support.breakage import expect_untouched
from support.evidence.eventually import expect
from support.faults.process import NodeKilled
from support.gherkin import given, then, when
from support.testbed import TestBed
from support.workload.ratelimiter import Traffic, burst, most_within

_SECOND = 1000
_BURSTS = 3


@given("a rate limiter stack in its steady state")
async def borrow_stack(bed: TestBed) -> None:
    await bed.borrow_stack("ratelimiter")


@then("Redis and {count:d} rate limiter nodes are in their steady state")
async def steady(bed: TestBed, count: int) -> None:
    expect(len(bed.stack.addresses), equal_to(count), of="rate limiter nodes")
    for _ in range(3):
        await bed.recovered(within=5)


@then('counter "{key}" is within its limit of {limit:d}, in Redis and in the API')
async def within_limit(bed: TestBed, key: str, limit: int) -> None:
    expect(await bed.stack.count(key), less_than_or_equal_to(limit), of=f"counter {key} in Redis")
    counter = (await bed.stack.counters())[key]
    expect(
        counter,
        has_properties(limit=limit, count=less_than_or_equal_to(limit)),
        of=f"counter {key} in the API",
    )


@then("all limits, other counters and nodes are as they were")
async def untouched(bed: TestBed) -> None:
    await expect_untouched(bed.stack, bed.injected)


@when('clients use counter "{key}" up to its limit of {limit:d}, while the monitor makes {count:d} checks')
async def healthy_traffic(bed: TestBed, key: str, limit: int, count: int) -> None:
    await bed.stack.set_limit(key, limit, window_ms=_SECOND)
    async with Traffic(bed.stack.urls, [key], rate=limit) as traffic:
        bed.seen["checks"] = [check async for check in bed.operator.checks(count)]
    expect(traffic.tally.failed, equal_to(0), of="requests without an answer")
    expect(traffic.tally.allowed, greater_than(limit), of="requests that were allowed")


@when(
    'clients send bursts of {requests:d} requests to counter "{key}" with its limit of {limit:d},'
    " while the monitor makes {count:d} checks"
)
async def bursts(bed: TestBed, requests: int, key: str, limit: int, count: int) -> None:
    await bed.stack.set_limit(key, limit)
    answers = []
    checks = []
    async for check in bed.operator.checks(count):
        checks.append(check)
        if len(checks) <= _BURSTS:
            answers += (await burst(bed.stack.urls, key, requests=requests)).answers
    bed.seen.update(checks=checks, answers=answers)


@then("{allowed:d} requests were allowed and the others were refused")
async def allowed_and_refused(bed: TestBed, allowed: int) -> None:
    answers = bed.seen["answers"]
    expect(_allowed(bed), equal_to(allowed), of="requests that were allowed")
    refused = sum(answer.allowed is False for answer in answers)
    expect(refused, equal_to(len(answers) - allowed), of="requests that were refused")


@when('{requests:d} requests at once ask all nodes for counter "{key}" with its limit of {limit:d}')
async def storm(bed: TestBed, requests: int, key: str, limit: int) -> None:
    await bed.stack.set_limit(key, limit)
    with bed.spent.on("waiting"):
        bed.seen["answers"] = (await burst(bed.stack.urls, key, requests=requests)).answers


@when(
    '{requests:d} requests at once ask all nodes for counter "{key}" with its limit of {limit:d},'
    ' and node "{node}" is killed among them'
)
async def storm_with_a_loss(bed: TestBed, requests: int, key: str, limit: int, node: str) -> None:
    await bed.stack.set_limit(key, limit)

    async def ask() -> None:
        bed.seen["answers"] = (await burst(bed.stack.urls, key, requests=requests)).answers

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await bed.until(lambda: bed.stack.count(key), greater_than(0), within=10)
        await bed.inject(NodeKilled(bed.stack, node=node))


@then("the killed node left requests without an answer")
async def unanswered(bed: TestBed) -> None:
    failed = [answer for answer in bed.seen["answers"] if answer.allowed is None]
    expect(len(failed), greater_than(0), of="requests without an answer")


@then("exactly {limit:d} of them were allowed")
async def exactly_allowed(bed: TestBed, limit: int) -> None:
    expect(_allowed(bed), equal_to(limit), of="requests that were allowed")


@then("never more than {limit:d} of them were allowed")
async def allowed_at_most(bed: TestBed, limit: int) -> None:
    expect(_allowed(bed), less_than_or_equal_to(limit), of="requests that were allowed")


@then('Redis itself holds {count:d} requests for counter "{key}"')
async def held_in_redis(bed: TestBed, count: int, key: str) -> None:
    expect(await bed.stack.count(key), equal_to(count), of=f"counter {key} in Redis")


@then('Redis itself holds no more than {count:d} requests for counter "{key}"')
async def held_at_most_in_redis(bed: TestBed, count: int, key: str) -> None:
    expect(await bed.stack.count(key), less_than_or_equal_to(count), of=f"counter {key} in Redis")


@when(
    'clients ask for counter "{key}" without pause for {windows:d} windows,'
    " with its limit of {limit:d} in a window of {window_ms:d} milliseconds"
)
async def without_pause(bed: TestBed, key: str, windows: int, limit: int, window_ms: int) -> None:
    await bed.stack.set_limit(key, limit, window_ms=window_ms)
    bed.seen.update(answers=[], window=window_ms)
    with bed.spent.on("waiting"):
        end = anyio.current_time() + windows * window_ms / 1000
        while anyio.current_time() < end:
            bed.seen["answers"] += (await burst(bed.stack.urls, key, requests=30, concurrency=30)).answers


@then("at least {count:d} requests were allowed in all")
async def allowed_at_least(bed: TestBed, count: int) -> None:
    expect(_allowed(bed), greater_than_or_equal_to(count), of="requests that were allowed")


@then("never more than {limit:d} of them were allowed within one window")
async def allowed_within_a_window(bed: TestBed, limit: int) -> None:
    most = most_within(bed.seen["answers"], bed.seen["window"])
    expect(most, less_than_or_equal_to(limit), of="requests that were allowed within one window")


def _allowed(bed: TestBed) -> int:
    return sum(answer.allowed is True for answer in bed.seen["answers"])
