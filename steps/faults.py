"""The words about faults, one line for each, and what must hold again after any of them.

A line is a sentence and the fault it injects; what the sentence leaves open in braces, and what stands
after the fault, is handed to it by name.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import parse
from hamcrest import contains_string, matches_regexp

from support.breakage import expect_whole
from support.evidence.attribution import expect_apart, resolved_session
from support.evidence.eventually import expect
from support.evidence.matchers import a_worked_ticket, an_escalation, tickets_for
from support.faults.disk import DiskNearlyFull
from support.faults.docker import OffNetwork
from support.faults.fault import Fault
from support.faults.network import ConnectionsReset, NodeCutOff, NodesAstray, OperatorCutOff, Slow
from support.faults.pd import FollowerKilled, LeaderKilled, QuorumLost
from support.faults.process import CrashLoop, NodeKilled, NodePaused, NodeStopped
from support.faults.redis_data import GhostAllowing, OverLimit, WrongType
from support.faults.store import StoreCrashLoop, StoreKilled, StorePaused, StoreStopped
from support.faults.tikv_network import (
    OperatorBlind,
    StoreCutOffFromPd,
    StoreCutOffFromPeers,
    StoreSlow,
    StoresSlow,
)
from support.gherkin import then, when
from support.testbed import TestBed
from support.verdict import BrokenBed

_FAULTS: dict[str, Callable[..., Fault]] = {}


def fault(sentence: str, makes: Callable[..., Fault], **details: object) -> None:
    """Make a sentence of a fault."""
    _FAULTS[sentence] = make = partial(makes, **details)

    @when(sentence)
    async def inject(bed: TestBed, **told: object) -> None:
        await bed.inject(make(bed.stack, **told))


fault('counter "{key}" is pushed {by:d} over its limit of {limit:d}', OverLimit)
fault('key "{key}" has a limit of 0 and is allowed all the same', GhostAllowing)
fault('what lies in the place of counter "{key}" is no counter', WrongType)
fault('node "{node}" is killed', NodeKilled)
fault('node "{node}" is stopped', NodeStopped)
fault('node "{node}" is paused', NodePaused)
fault('node "{node}" dies whenever it is started', CrashLoop)
fault('node "{node}" is taken off its network', OffNetwork)
fault("Redis is killed", NodeKilled, node="redis")
fault("Redis is stopped", NodeStopped, node="redis")
fault("Redis is paused", NodePaused, node="redis")
fault('node "{node}" is cut off from Redis', NodeCutOff)
fault('node "{node}" is cut off from Redis until it is restarted', NodeCutOff, until_restarted=True)
fault('the nodes count {requests:d} requests for "{key}", limit {limit:d}, in a wrong Redis', NodesAstray)
fault("all connections are reset", ConnectionsReset)
fault("everything takes {milliseconds:d} milliseconds longer on its way", Slow)
fault("the operator is cut off from {what}, which refuses it", OperatorCutOff, hanging=False)
fault("the operator is cut off from {what}, which is silent", OperatorCutOff, hanging=True)

fault('store "{store}" is killed', StoreKilled)
fault('store "{store}" is stopped', StoreStopped)
fault('store "{store}" is paused', StorePaused)
fault('store "{store}" dies whenever it is started', StoreCrashLoop)
fault('store "{store}" is cut off from PD', StoreCutOffFromPd)
fault('store "{store}" is cut off from its peers', StoreCutOffFromPeers)
fault('store "{store}" answers {milliseconds:d} milliseconds late', StoreSlow)
fault("the stores hear each other {milliseconds:d} milliseconds late", StoresSlow)
fault('the disk of store "{store}" is {percent:d} percent full', DiskNearlyFull)
fault("a PD follower is killed", FollowerKilled)
fault("the PD leader is killed", LeaderKilled)
fault("PD loses its quorum", QuorumLost)
fault("the operator is cut off from PD", OperatorBlind)


@when("at once")
async def at_once(bed: TestBed, table: Sequence[Mapping[str, str]]) -> None:
    await bed.inject(*(_told(bed, row["fault"]) for row in table))


@then("its reasoning names what is broken, and what is wrong with it")
async def reasoning_names(bed: TestBed) -> None:
    reasoning = " ".join(" ".join(bed.repair().reasoning).lower().split())
    expect(reasoning, contains_string(bed.expected.part.lower()), of="the reasoning before the change")
    expect(reasoning, matches_regexp(bed.expected.cause), of="the reasoning before the change")


@then("the repair was made by a command of the agent")
async def made_by_the_agent(bed: TestBed) -> None:
    repair = bed.repair()
    names = [name.rpartition(" ")[2] for name in bed.fault.breaks]
    expect(
        repair.change.what,
        matches_regexp("|".join(names)),
        of="the change to the stack",
        because=f"the agent ran: {repair.call.command}",
    )


@then("what was broken is whole again, as the stack itself shows")
async def whole_again(bed: TestBed) -> None:
    await expect_whole(bed.injected)


@then("one session on the ticket was resolved, its summary naming what was broken and what was done")
async def session_resolved(bed: TestBed) -> None:
    resolved_session(bed.operator.records(), bed.expected)


@then(
    "the ticket is escalated within {seconds:g} seconds, its reason naming what is broken and what was tried"
)
async def escalated(bed: TestBed, seconds: float) -> None:
    worked = await bed.until(bed.operator.records, a_worked_ticket(), within=seconds)
    expect(worked, an_escalation(bed.expected.part, bed.expected.remedy))


@then("each of them has one ticket, resolved within {seconds:g} seconds by a session about that fault")
async def each_resolved(bed: TestBed, seconds: float) -> None:
    faults = bed.injected.faults
    wanted = tickets_for((each.expected.key for each in faults if each.expected), status="resolved")
    await bed.until(lambda: bed.operator.records().tickets, wanted, within=seconds)
    expect_apart(bed.operator.records(), faults, bed.changes)


def _told(bed: TestBed, sentence: str) -> Fault:
    for known, make in _FAULTS.items():
        found = parse.parse(known, sentence, case_sensitive=True)
        if found:
            return make(bed.stack, **found.named)
    raise BrokenBed(f"there is no fault {sentence!r}")
