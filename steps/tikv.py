"""The words about TiKV: its steady state, its data, its PD."""

from collections.abc import Awaitable, Callable, Mapping

import anyio
import httpx
from hamcrest import empty, equal_to, greater_than, less_than

from steps.model import open_again
from support.breakage import expect_untouched
from support.evidence.eventually import expect
from support.evidence.matchers import a_ticket_for, describe_ticket, only, tickets_for
from support.faults.store import StoreKilled
from support.gherkin import given, then, when
from support.testbed import TestBed
from support.verdict import BrokenBed
from support.workload.tikv import Traffic

_WRITTEN = {f"order-{number}": f"of customer {number}" for number in range(20)}
_OBSERVATIONS = 10
"""So often in a row a steady state has to be seen."""
_BETWEEN_REAL = 1.0
"""Seconds between two observations, at real times: ten of them outlast a heartbeat."""
_FILED_WITHIN = 5.0
_RESOLVED_WITHIN = 20.0
_ENOUGH = 200
"""Requests that show what the level of the workload is."""
_SPAN = 300_000_000
"""Nanoseconds over which its throughput is taken: about the shortest outage of a region, at times ×20."""


@given("a TiKV stack in its steady state")
async def borrow_stack(bed: TestBed) -> None:
    await bed.borrow_stack("tikv")


@given("a TiKV stack with the times of a real cluster, in its steady state")
async def borrow_real_stack(bed: TestBed) -> None:
    await bed.borrow_stack("tikv at real times")


@given("a TiKV stack with a Prometheus, in its steady state")
async def borrow_measured_stack(bed: TestBed) -> None:
    await bed.borrow_stack("tikv with Prometheus")


@given("data was written to the cluster")
async def write(bed: TestBed) -> None:
    with bed.spent.on("stack"):
        for key, value in _WRITTEN.items():
            await bed.stack.write(key, value)


@then("{members:d} PD members and {stores:d} stores are in their steady state")
async def steady(bed: TestBed, members: int, stores: int) -> None:
    """A steady state is one that holds. Until it does it may be lost again: a PD leader that is new, as one
    is when the machine was busy for longer than a lease, calls every store disconnected until it hears it."""
    within = bed.stack.settles_within
    ends_at = anyio.current_time() + within
    await steady_again(bed, members, stores, within)
    with bed.spent.on("waiting"):
        in_a_row = 0
        while in_a_row < _OBSERVATIONS:
            await anyio.sleep(_BETWEEN_REAL / bed.stack.times)
            problems = await bed.stack.problems()
            in_a_row = 0 if problems else in_a_row + 1
            if anyio.current_time() > ends_at:
                expect(problems, empty(), of="what is wrong with the stack")


@then("all other nodes, stores and settings are as they were")
async def untouched(bed: TestBed) -> None:
    await expect_untouched(bed.stack, bed.injected)


@then("the data written before can be read")
async def read(bed: TestBed) -> None:
    with bed.spent.on("waiting"):
        await _expect_stored(bed, _WRITTEN)


@then("one ticket is filed, for that store")
async def one_ticket(bed: TestBed) -> None:
    bed.seen["ticket"] = only(a_ticket_for(bed.expected.invariant, bed.expected.identifier))
    await bed.until(lambda: bed.operator.records().tickets, bed.seen["ticket"], within=_FILED_WITHIN)


@when("{event}, while the monitor makes {count:d} checks")
async def event_while_checking(bed: TestBed, event: str, count: int) -> None:
    try:
        happen = _EVENTS[event]
    except KeyError:
        raise BrokenBed(f"nobody knows how to do this: {event}") from None

    async def check() -> None:
        bed.seen["checks"] = [check async for check in bed.operator.checks(count)]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(check)
        with bed.spent.on("stack"):
            await happen(bed)


@then("the last of them reports that all is passing")
async def last_passes(bed: TestBed) -> None:
    bed.expect_passing(bed.seen["checks"][-1])


async def _change_leader(bed: TestBed) -> None:
    before = await bed.stack.pd.leader()
    await bed.stack.pd.post("/leader/resign")
    await bed.stack.pd.leader_other_than(before)


async def _restart_leader(bed: TestBed) -> None:
    await _restart(bed, await bed.stack.pd.leader())


async def _restart_follower(bed: TestBed) -> None:
    leader = await bed.stack.pd.leader()
    await _restart(bed, next(name for name in bed.stack.pd_urls if name != leader))


async def _restart(bed: TestBed, name: str) -> None:
    """Restart a member, and have the monitor look while it is gone."""
    node = bed.stack.node(name)
    await node.stop()
    async for _ in bed.operator.checks(2):
        pass  # the first may have looked before
    await node.start()


_EVENTS: dict[str, Callable[[TestBed], Awaitable[None]]] = {
    "PD changes its leader": _change_leader,
    "the PD leader is restarted": _restart_leader,
    "a PD follower is restarted": _restart_follower,
}


@then("one ticket is filed, for the part that is broken, because of {invariant}")
async def ticket_on_the_right_part(bed: TestBed, invariant: str) -> None:
    expect(bed.expected.invariant, equal_to(invariant), of="the invariant that the fault violates")
    await one_ticket(bed)


@then("the monitor makes {count:d} checks, and all of them pass")
async def checks_pass(bed: TestBed, count: int) -> None:
    async for check in bed.operator.checks(count):
        bed.expect_passing(check)


@given('the monitor has filed a ticket for store "{store}", which stays lost')
async def has_filed(bed: TestBed, store: str) -> None:
    await bed.inject(StoreKilled(bed.stack, store=store))
    bed.seen["ticket"] = only(a_ticket_for("store_down", bed.expected.identifier, status="open"))
    await bed.until(lambda: bed.operator.records().tickets, bed.seen["ticket"], within=_FILED_WITHIN)


@given("clients read and update data all the time")
async def traffic(bed: TestBed) -> None:
    with bed.spent.on("stack"):
        await bed.stack.all_lead()  # or the loss of one that leads nothing would not be felt
    traffic = await bed.keep(Traffic(bed.stack, name="workload"))
    bed.seen["traffic"] = traffic
    await bed.until(lambda: len(traffic.answers), greater_than(_ENOUGH), within=30)


@then("the workload dipped after the fault and is back at its level")
async def dipped(bed: TestBed) -> None:
    traffic, fault = bed.seen["traffic"], bed.injected.at
    before = traffic.rate(traffic.answers[0].done, fault)
    lowest = min(
        traffic.rate(start, start + _SPAN)
        for start in range(fault, traffic.answers[-1].done - _SPAN, _SPAN // 4)
    )
    expect(lowest, less_than(0.8 * before), of=f"requests per second at the lowest, {before:.0f} before")
    await bed.until(
        lambda: traffic.rate(traffic.answers[-1].done - _SPAN, traffic.answers[-1].done),
        greater_than(0.7 * before),
        within=20,
    )


@then("no update that was acknowledged is lost")
async def nothing_lost(bed: TestBed) -> None:
    traffic = bed.seen["traffic"]
    await traffic.pause()
    expect(len(traffic.acknowledged), greater_than(0), of="keys with an acknowledged update")
    await _expect_stored(bed, traffic.acknowledged)


@then("one ticket is filed for each lost member, and one for the missing leader")
async def tickets_of_a_lost_quorum(bed: TestBed) -> None:
    wanted = tickets_for(bed.fault.keys)
    await bed.until(lambda: bed.operator.records().tickets, wanted, within=_FILED_WITHIN)


@then(
    "{members:d} PD members and {stores:d} stores are in their steady state again within {seconds:g} seconds"
)
async def steady_again(bed: TestBed, members: int, stores: int, seconds: float) -> None:
    expect(len(bed.stack.pd_urls), equal_to(members), of="PD members")
    expect(len(bed.stack.addresses), equal_to(stores), of="stores")
    await bed.recovered(within=seconds)


@then("every ticket is resolved")
async def all_resolved(bed: TestBed) -> None:
    def unresolved() -> list[str]:
        tickets = bed.operator.records().tickets
        return [describe_ticket(ticket) for ticket in tickets if ticket.status != "resolved"]

    await bed.until(unresolved, empty(), within=_RESOLVED_WITHIN)
    expect(len(bed.operator.records().tickets), greater_than(0), of="tickets")


@then("a ticket for that store is open again within {count:d} checks of the claim")
async def open_again_for_store(bed: TestBed, count: int) -> None:
    await open_again(bed, bed.expected.key, count)


async def _expect_stored(bed: TestBed, wanted: Mapping[str, str]) -> None:
    """Raise AssertionError unless all of this can be read: data that cannot is lost to who needs it."""
    for key, value in wanted.items():
        try:
            stored = await bed.stack.read(key)
        except httpx.HTTPError as error:
            stored = f"not to be read: {type(error).__name__}: {error}".partition("\n")[0]
        expect(stored, equal_to(value), of=f"what is stored under {key}")
