"""The TiKV stack on real processes: stand-ins for three PD members and three stores."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
import pytest

from support.stacks.control import install
from support.stacks.stack import NotSteady
from support.stacks.tikv import PD_NAMES, STORE_NAMES
from support.stacks.tikv_links import OUTSIDE
from support.verdict import BrokenBed, NotVerified

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


async def test_it_knows_its_nodes_its_stores_and_how_pd_is_set(tikv):
    state = await tikv.state()
    assert [name for name in state if name.startswith("node ")] == [
        f"node {name}" for name in (*PD_NAMES, *STORE_NAMES)
    ]
    assert {name for name in state if name.startswith("store ")} == {f"store {name}" for name in STORE_NAMES}
    assert {name for name in state if name.startswith("PD member ")} == {f"PD member {n}" for n in PD_NAMES}
    assert state["PD setting replication.max-replicas"] == "3"
    assert tikv.substitutes == ("stand-in PD", "stand-in TiKV", "times ×20")


async def test_what_is_written_can_be_read_and_removed(tikv):
    assert await tikv.kept("of nobody") is None
    await tikv.write("order/1 ü", "of customer 1")
    assert await tikv.kept("order/1 ü") == "of customer 1"
    await tikv.remove("order/1 ü")
    assert await tikv.kept("order/1 ü") is None


async def test_without_a_majority_of_the_stores_it_is_not_steady_and_says_why(tikv):
    for name in ("tikv0", "tikv1"):
        await tikv.node(name).kill()
    with pytest.raises(
        NotSteady, match=r"not in its steady state after 0\.1 s: tikv0 is exited; tikv1 is ex"
    ):
        await tikv.steady(within=0.1)
    for name in ("tikv0", "tikv1"):
        await tikv.node(name).start()


async def test_what_cannot_pass_by_itself_is_not_waited_for(tikv, monkeypatch):
    stores = await tikv.pd.stores()
    intruder = {**stores, "127.0.0.1:1": stores["tikv0"]}

    async def seen():
        return intruder

    monkeypatch.setattr(tikv.pd, "stores", seen)
    with (
        anyio.fail_after(10),
        pytest.raises(NotSteady, match=r"not what it was: there is a store 127\.0\.0\.1:1"),
    ):
        await tikv.steady(within=600)


async def test_changes_by_stackctl_are_witnessed_and_a_reset_forgets_them(tikv, tmp_path):
    stackctl = install(tmp_path)

    def restart():
        subprocess.run([stackctl, "restart", "tikv2"], env={**os.environ, **tikv.environment}, check=True)

    await anyio.to_thread.run_sync(restart)
    assert [change.what for change in tikv.changes] == ["stackctl restart tikv2"]
    await tikv.reset()
    assert tikv.changes == ()


async def test_a_way_can_be_cut_for_one_pair_of_nodes(tikv):
    address = tikv.environment["PD_ENDPOINT"]
    async with httpx.AsyncClient(trust_env=False) as outside:
        (await outside.get(f"{address}/pd/api/v1/health")).raise_for_status()
        await tikv.links.cut(OUTSIDE, PD_NAMES)
        with pytest.raises(httpx.TransportError):
            await outside.get(f"{address}/pd/api/v1/health")
    assert await tikv.problems() == []
    await tikv.links.heal()
    async with httpx.AsyncClient(trust_env=False) as outside:
        (await outside.get(f"{address}/pd/api/v1/health")).raise_for_status()


async def test_a_node_or_a_leader_that_is_not_there_is_a_broken_bed(tikv):
    with pytest.raises(BrokenBed, match="there is no node tikv9; there are pd0"):
        tikv.node("tikv9")
    with pytest.raises(BrokenBed, match="PD has no leader other than"):
        await tikv.pd.leader_other_than(await tikv.pd.leader(), within=0.1)


async def test_data_of_a_store_that_has_no_http_for_it_is_not_verified(tikv, monkeypatch):
    monkeypatch.setattr(tikv, "keeps_data", False)
    assert await tikv.problems() == []
    with pytest.raises(NotVerified, match="does not speak gRPC"):
        await tikv.write("order", "1")


async def test_every_store_leads_a_region_sooner_or_later(tikv):
    await tikv.all_lead()
    assert all(store.leaders for store in (await tikv.pd.stores()).values())


def test_a_stack_of_binaries_under_the_real_names_runs_and_says_what_it_is(forks, tmp_path):
    for name in ("pd-server", "tikv-server"):
        program = tmp_path / name
        module = f"systems.tikv.{name.replace('-', '_')}"
        program.write_text(
            f'#!/bin/sh\nSTANDIN_TIME_SCALE=10 exec {sys.executable} -m {module} "$@"\n', encoding="utf-8"
        )
        program.chmod(0o755)
    ended = forks.behave(
        *("-D", "stack=native", "-D", f"tikv_bin={tmp_path}", "-D", f"reports={tmp_path / 'r'}"),
        *("--tags", "@DEMO-04.1"),
        cwd=ROOT,
        environ={"PATH": os.environ["PATH"]},
    )
    assert ended.status == 0, ended.output
    assert "1 passed (model double, stand-in PD, stand-in TiKV, times ×10)" in ended.output
