"""Every fault of TiKV, on real processes: shown by the cluster itself, healed, and healed once more."""

from contextlib import asynccontextmanager

import anyio
import httpx
import pytest

from support.faults.disk import DiskNearlyFull
from support.faults.pd import FollowerKilled, LeaderKilled, QuorumLost
from support.faults.store import StoreCrashLoop, StoreKilled, StorePaused, StoreStopped
from support.faults.tikv_network import OperatorBlind, StoreCutOffFromPd, StoreCutOffFromPeers, StoreSlow
from support.stacks.tikv import PD_NAMES
from support.supervisor import DiedEarly
from support.verdict import NotVerified

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


LOST = {
    "is killed": StoreKilled,
    "is stopped": StoreStopped,
    "is paused": StorePaused,
    "dies whenever it is started": StoreCrashLoop,
    "is cut off from PD": StoreCutOffFromPd,
}


@asynccontextmanager
async def in_place(stack, fault):
    """The fault, from the moment that the cluster shows it; afterwards it is healed, twice."""
    await fault.prepare()
    try:
        await fault.inject()
        with anyio.fail_after(20):
            while not await fault.shown():  # noqa: ASYNC110 - a cluster announces nothing
                await anyio.sleep(0.02)
        yield
    finally:
        await fault.heal()
        await fault.heal()
        await stack.steady(within=stack.settles_within)
    assert not await fault.unrepaired()


@pytest.mark.parametrize("what", LOST)
async def test_a_lost_store_is_shown_by_pd_and_no_other_part_differs(tikv, what):
    fault = LOST[what](tikv, store="tikv1")
    assert fault.title == f"store tikv1 {what}"
    assert not await fault.shown()
    before = await tikv.state()
    async with in_place(tikv, fault):
        assert await fault.unrepaired()
        expected = fault.expected
        assert expected.key == f"store_down:{(await tikv.pd.stores())['tikv1'].id}"
        assert expected.part == "tikv1"
        after = await tikv.state()
        assert {name for name in before if after[name] != before[name]} <= set(fault.breaks)


async def test_what_is_written_before_a_store_is_lost_can_be_read_meanwhile(tikv):
    await tikv.write("order-1", "of customer 1")
    async with in_place(tikv, StoreKilled(tikv, store="tikv0")):
        assert await tikv.read("order-1") == "of customer 1"


async def test_a_store_that_dies_whenever_it_is_started_does_not_start(tikv):
    async with in_place(tikv, StoreCrashLoop(tikv, store="tikv2")):
        with pytest.raises(DiedEarly, match="tikv2"):
            await tikv.node("tikv2").start()


@pytest.mark.parametrize("kind", [FollowerKilled, LeaderKilled])
async def test_a_lost_pd_member_is_shown_when_there_is_a_leader(tikv, kind):
    leader = await tikv.pd.leader()
    fault = kind(tikv)
    async with in_place(tikv, fault):
        (lost,) = [name for name in PD_NAMES if tikv.node(name).state == "exited"]
        assert (lost == leader) == (kind is LeaderKilled)
        assert fault.expected.key == f"pd_member_down:{lost}"
        assert await fault.unrepaired() == [f"node {lost} is exited"]
        assert list(fault.breaks) == [f"node {lost}"]


async def test_pd_without_a_quorum_has_no_leader_and_three_violations(tikv):
    fault = QuorumLost(tikv)
    async with in_place(tikv, fault):
        lost = [name for name in PD_NAMES if tikv.node(name).state == "exited"]
        assert sorted(fault.keys) == sorted(["pd_no_leader", *(f"pd_member_down:{name}" for name in lost)])
        assert len(lost) == 2


async def test_a_disk_that_is_nearly_full_is_shown_by_pd_and_costs_no_space(tikv):
    fault = DiskNearlyFull(tikv, store="tikv0", percent=80)
    ballast = tikv.directory / "tikv0" / "ballast"
    async with in_place(tikv, fault):
        assert (await tikv.pd.stores())["tikv0"].used == pytest.approx(0.8, abs=0.05)
        assert (await tikv.pd.stores())["tikv1"].used < 0.1
        assert ballast.stat().st_blocks == 0
        assert await fault.unrepaired() == (fault.title,)
    assert not ballast.exists()


async def test_the_disk_of_the_machine_is_not_filled(tikv, monkeypatch):
    monkeypatch.setattr(tikv, "capacity", None)
    with pytest.raises(NotVerified, match="would fill that of this machine"):
        await DiskNearlyFull(tikv, store="tikv0", percent=80).prepare()


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (StoreCutOffFromPeers, {"store": "tikv1"}),
        (StoreSlow, {"store": "tikv1", "milliseconds": 50}),
        (OperatorBlind, {}),
    ],
)
async def test_what_the_cluster_bears_violates_nothing_and_touches_no_node(tikv, kind, details):
    fault = kind(tikv, **details)
    before = await tikv.state()
    async with in_place(tikv, fault):
        assert (fault.expected, fault.breaks) == (None, ())
        assert await tikv.state() == before


async def test_a_slow_store_answers_late_on_the_ways_that_others_use(tikv):
    async with (
        in_place(tikv, StoreSlow(tikv, store="tikv1", milliseconds=200)),
        httpx.AsyncClient(trust_env=False, timeout=10) as client,
    ):
        answer = await client.get(f"http://{tikv.advertised['tikv1']}/kv/nothing")
        assert answer.elapsed.total_seconds() >= 0.2
