"""Whatever goes wrong with a fault, the next scenario starts from a steady state, and the bed is to blame."""

from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace

import anyio
import pytest

from support import breakage, gherkin
from support.evidence.redaction import Redactor
from support.run import FeatureRoom
from support.stacks.ratelimiter import RateLimiterStack
from support.stacks.shared import shared_stacks
from support.stacks.stack import NotSteady
from support.testbed import open_bed
from support.verdict import BrokenBed, NotVerified, classify

pytestmark = pytest.mark.anyio


class Stack(RateLimiterStack):
    """A stack of nothing but a note of what is wrong with it."""

    def __init__(self, number):
        self.number = number
        self.wrong = []
        self._changes = []

    async def state(self):
        return {"everything": "as it was"}

    async def steady(self, *, within):
        if self.wrong:
            raise NotSteady("; ".join(self.wrong))

    async def reset(self):
        """There is nothing to forget: what is wrong stays wrong until it is healed."""


class Breakage:
    """A fault in two halves, which can be made to go wrong in each of its moments."""

    title = "half of it is broken"
    expected = None
    breaks = ()

    def __init__(self, stack, **going_wrong):
        self.stack = stack
        self.going_wrong = going_wrong

    async def _moment(self, name):
        error = self.going_wrong.get(name)
        if error == "hangs":
            await anyio.sleep_forever()
        if error is not None:
            raise error

    async def prepare(self):
        await self._moment("prepare")

    async def inject(self):
        self.stack.wrong.append("the first half")
        await self._moment("inject")
        self.stack.wrong.append("the second half")

    async def shown(self):
        await self._moment("shown")
        return "the second half" in self.stack.wrong

    async def heal(self):
        if self.stack.wrong:
            self.stack.wrong.pop()
        await self._moment("heal")
        self.stack.wrong.clear()


@pytest.fixture
async def room(tmp_path):
    opened = 0

    @asynccontextmanager
    async def open_stack(subject):
        nonlocal opened
        opened += 1
        yield Stack(opened)

    async with shared_stacks(open_stack) as stacks:
        yield FeatureRoom(evidence=tmp_path, stacks=stacks)


async def scenario(room, **going_wrong):
    """Run one scenario with this breakage; its facts, and what its sentence raised."""
    raised = None
    async with open_bed(SimpleNamespace(redactor=Redactor({}), sabotage=None), room, "one") as bed:
        await bed.borrow_stack("ratelimiter")
        try:
            await gherkin._bounded(partial(bed.inject, Breakage(bed.stack, **going_wrong)))
        except Exception as error:
            raised = error
    return bed, raised


async def next_stack(room):
    """What the next scenario gets: steady, or `borrow` would have raised."""
    stack = await room.stacks.borrow("ratelimiter")
    assert stack.wrong == []
    return stack


async def test_a_fault_that_is_healed_leaves_its_stack_to_the_next_scenario(room, tmp_path):
    bed, raised = await scenario(room)
    assert raised is None
    assert bed.facts(tmp_path).broken is None
    assert (await next_stack(room)).number == 1


@pytest.mark.parametrize("moment", ["prepare", "inject", "shown"])
@pytest.mark.parametrize("error", [OSError("no route"), AssertionError("not so"), KeyError("node")])
async def test_a_fault_that_fails_half_way_is_healed_and_the_bed_is_broken(room, moment, error):
    bed, raised = await scenario(room, **{moment: error})
    assert isinstance(raised, BrokenBed)
    assert classify(raised) == "broken"
    assert "half of it is broken" in str(raised)
    assert "fault.healed" in [event.kind for event in bed.timeline.events]
    assert (await next_stack(room)).number == 1


async def test_what_a_stack_cannot_have_at_all_need_not_be_healed(room, tmp_path):
    never = NotVerified("this stack has no links")
    bed, raised = await scenario(room, prepare=never, heal=never)
    assert raised is never
    assert bed.facts(tmp_path).broken is None


@pytest.mark.parametrize("moment", ["prepare", "inject", "shown"])
async def test_a_sentence_that_takes_too_long_is_given_up_and_its_fault_healed(room, moment, monkeypatch):
    monkeypatch.setattr(gherkin, "STEP_LIMIT", 0.05)
    _, raised = await scenario(room, **{moment: "hangs"})
    assert classify(raised) == "broken"
    assert (await next_stack(room)).number == 1


@pytest.mark.parametrize("moment", ["prepare", "inject", "shown"])
async def test_a_sentence_that_is_cancelled_is_undone(room, moment):
    with anyio.move_on_after(0.05) as interrupted:
        await scenario(room, **{moment: "hangs"})
    assert interrupted.cancelled_caught
    assert (await next_stack(room)).number == 1


@pytest.mark.parametrize("error", [OSError("no route"), AssertionError("not so"), "hangs"])
async def test_a_heal_that_fails_breaks_the_bed_and_the_next_scenario_gets_a_new_stack(
    room, error, monkeypatch, tmp_path
):
    monkeypatch.setattr(breakage, "_HEALED_WITHIN", 0.05)
    bed, raised = await scenario(room, heal=error)
    assert raised is None
    assert "half of it is broken: this could not be healed" in bed.facts(tmp_path).broken
    assert "bed.broken" in [event.kind for event in bed.timeline.events]
    assert (await next_stack(room)).number == 2


async def test_a_heal_goes_on_though_the_scenario_is_cancelled_meanwhile(room):
    healed = []

    async def slow_heal(self):
        await anyio.sleep(0.1)
        self.stack.wrong.clear()
        healed.append(self)

    with anyio.move_on_after(0.05):
        async with open_bed(SimpleNamespace(redactor=Redactor({}), sabotage=None), room, "one") as bed:
            await bed.borrow_stack("ratelimiter")
            fault = Breakage(bed.stack)
            fault.heal = partial(slow_heal, fault)
            await bed.inject(fault)
    assert healed
    assert (await next_stack(room)).number == 1


async def test_a_failed_heal_of_one_fault_does_not_keep_the_other_from_being_healed(room, tmp_path):
    async with open_bed(SimpleNamespace(redactor=Redactor({}), sabotage=None), room, "one") as bed:
        await bed.borrow_stack("ratelimiter")
        first, second = Breakage(bed.stack), Breakage(bed.stack, heal=OSError("no route"))
        await bed.inject(first, second)
    kinds = [event.kind for event in bed.timeline.events]
    assert kinds.count("fault.healed") == 1
    assert bed.facts(tmp_path).broken
    assert (await next_stack(room)).number == 2


async def test_a_stack_that_is_not_steady_after_the_heal_is_discarded_without_a_word_on_the_verdict(
    room, tmp_path
):
    async with open_bed(SimpleNamespace(redactor=Redactor({}), sabotage=None), room, "one") as bed:
        await bed.borrow_stack("ratelimiter")
        await bed.inject(Breakage(bed.stack))
        old = bed.stack
        old.steady = partial(_never, old)
    assert bed.facts(tmp_path).broken is None
    assert (await next_stack(room)).number == 2


async def _never(stack, *, within):
    raise NotSteady("the operator has removed a node")
