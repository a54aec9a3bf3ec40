"""The state of a store, from nothing but the time of its last heartbeat."""

import pytest

from systems.tikv.pd.stores import OFFLINE, TOMBSTONE, Load, Stats, state_name, store_info
from systems.tikv.timing import read_timing, timing

SECOND = 10**9
NOW = 1_700_000_000 * SECOND
META = {
    "id": 1,
    "address": "tikv0:20160",
    "version": "8.5.7",
    "peer_address": "tikv0:20160",
    "status_address": "tikv0:20180",
    "git_hash": "0",
    "start_timestamp": 1_699_999_000,
    "deploy_path": "/",
}


def named(silent: float, *, scale: float = 1, **meta: int) -> str:
    heard = NOW - int(silent * SECOND)
    return state_name({"last_heartbeat": heard, **meta}, NOW, timing(scale))


@pytest.mark.parametrize(
    ("silent", "name"),
    [(0, "Up"), (20, "Up"), (20.1, "Disconnected"), (1800, "Disconnected"), (1800.1, "Down")],
)
@pytest.mark.parametrize("scale", [1, 20])
def test_silence_makes_a_store_disconnected_after_20_s_and_down_after_30_min(silent, name, scale):
    assert named(silent / scale, scale=scale) == name


def test_a_store_that_was_never_heard_is_down():
    assert state_name({}, NOW, timing(1)) == "Down"


@pytest.mark.parametrize(("state", "name"), [(OFFLINE, "Offline"), (TOMBSTONE, "Tombstone")])
def test_a_store_that_is_leaving_is_never_called_disconnected(state, name):
    assert named(3600, state=state) == name


def test_what_is_empty_is_left_out():
    found = store_info(META, None, Load(), NOW, timing(1), 0.8)
    assert not {"state", "node_state", "last_heartbeat", "physically_destroyed"} & found["store"].keys()
    assert not {"slow_score", "uptime"} & found["status"].keys()
    offline = store_info(META | {"state": OFFLINE, "node_state": 2}, None, Load(), NOW, timing(1), 0.8)
    assert (offline["store"]["state"], offline["store"]["node_state"]) == (1, 2)


@pytest.mark.parametrize(
    ("capacity", "available", "score"),
    [(195, 183.1, 2.57), (1, 1, 1), (0, 0, 1), (195, 25, 5000007.92)],
)
def test_the_region_score_is_that_of_pd(capacity, available, score):
    stats = Stats(int(capacity * 2**30), int(available * 2**30), 0)
    found = store_info(META, stats, Load(region_size=1), NOW, timing(1), 0.8)
    assert found["status"]["region_score"] == pytest.approx(score, abs=0.01)


def test_the_scale_shortens_every_time():
    real, scaled = read_timing({}), read_timing({"STANDIN_TIME_SCALE": "2"})
    assert (real.store_heartbeat, real.disconnected, real.down) == (10, 20, 1800)
    assert (scaled.store_heartbeat, scaled.disconnected, scaled.down) == (5, 10, 900)
    assert (real.persist_heartbeat, real.no_leader_wait, real.eviction) == (300, 3, 20)
    assert (real.regions.election_least, real.regions.election_most) == (10, 20)
