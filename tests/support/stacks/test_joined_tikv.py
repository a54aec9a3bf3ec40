"""A TiKV stack that somebody else has started is used, and left as it was found."""

import json

import httpx
import pytest

from support.faults.tikv_network import OperatorBlind, StoreCutOffFromPd, StoreSlow
from support.stacks.joined import ask, subject_at
from support.stacks.joined_tikv import joined_tikv
from support.verdict import BrokenBed, NotVerified

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def control(control_of):
    with control_of("tikv") as control:
        yield control


def pids(control):
    return {line.split()[0]: pid(control, line.split()[0]) for line in ask(control, "ps").splitlines()}


def pid(control, name):
    return json.loads(ask(control, "inspect", name))["pid"]


async def test_it_is_used_in_full_and_left_as_it_was_found(control):
    before = pids(control)
    assert subject_at(control) == "tikv"
    async with joined_tikv(control) as joined:
        assert joined.substitutes == ("stand-in PD", "stand-in TiKV", "times ×20")
        await joined.write("order-1", "ours")
        await joined.node("pd1").kill()
        await joined.node("tikv1").pause()
        await joined.node("tikv2").stop()
        assert {name: node.state for name, node in joined.nodes.items() if node.state != "running"} == {
            "pd1": "exited",
            "tikv1": "paused",
            "tikv2": "exited",
        }
    after = pids(control)
    assert None not in after.values()
    assert {name for name in after if after[name] != before[name]} == {"pd1", "tikv2"}
    async with joined_tikv(control) as joined:
        assert await joined.kept("order-1") is None
        assert await joined.kept("acceptance-probe") in (None, "steady")


async def test_one_that_somebody_has_restarted_is_not_paused_any_more(control):
    async with joined_tikv(control) as joined:
        await joined.node("tikv1").pause()
        ask(control, "restart", "tikv1")
        assert joined.node("tikv1").state == "running"
        await joined.steady(within=joined.settles_within)
        assert "stackctl restart tikv1" in [change.what for change in joined.changes]


@pytest.mark.parametrize(
    "fault",
    [
        OperatorBlind,
        lambda stack: StoreCutOffFromPd(stack, store="tikv1"),
        lambda stack: StoreSlow(stack, store="tikv1", milliseconds=50),
    ],
)
async def test_its_ways_are_somebody_elses(control, fault):
    async with joined_tikv(control) as joined:
        with pytest.raises(NotVerified, match="run without -D join"):
            fault(joined)


async def test_one_that_is_not_in_its_steady_state_is_left_alone(control):
    ask(control, "stop", "tikv0")
    try:
        with pytest.raises(BrokenBed, match="not in its steady state: tikv0 is exited"):
            async with joined_tikv(control):
                pytest.fail("it was joined")
        assert pid(control, "tikv0") is None
    finally:
        ask(control, "start", "tikv0")


async def test_one_that_elects_at_this_moment_is_joined_when_it_has(control):
    url = next(iter(json.loads(ask(control, "suite", "endpoints"))["pd_urls"].values()))
    async with httpx.AsyncClient() as client:
        for _ in range(5):
            (await client.post(f"{url}/pd/api/v1/leader/resign")).raise_for_status()
            async with joined_tikv(control) as joined:  # whose new leader has not heard of the stores yet
                await joined.steady(within=joined.settles_within)
