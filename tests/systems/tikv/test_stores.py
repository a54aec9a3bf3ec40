"""Stores as PD sees them: killed, paused, restarted, told to leave, cut off."""

import time

import httpx
import pytest


def identity(described):
    return described["store"]["id"], described["store"]["start_timestamp"]


def counted(cluster, kind: str) -> float:
    lines = httpx.get(f"{cluster.leader().url}/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if f'type="{kind}"' in line)


def listed(cluster, check: str) -> int:
    return cluster.get(cluster.members[0], f"/regions/check/{check}").json()["count"]


def test_a_killed_store_becomes_disconnected_and_its_leaders_move(cluster):
    dead = cluster.stores[0]
    dead.kill()
    cluster.until(lambda: cluster.states()[dead.name], "Disconnected")
    cluster.until(lambda: sorted(cluster.leader_counts().values()), [0, 1, 2])
    assert cluster.leader_counts()[dead.name] == 0
    described = cluster.described()[dead.name]
    assert "state" not in described["store"]
    cluster.until(lambda: counted(cluster, "store_disconnected_count"), 1)
    assert counted(cluster, "store_up_count") == 2
    # The uptime of a store is that at its last heartbeat.
    assert cluster.described()[dead.name]["status"]["uptime"] == described["status"]["uptime"]


def test_the_peers_of_a_dead_store_are_down_only_after_ten_minutes(make_cluster):
    cluster = make_cluster(scale=100)
    cluster.start()
    cluster.until_steady()
    dead = cluster.stores[0]
    dead.kill()
    cluster.until(lambda: cluster.states()[dead.name], "Disconnected")
    for check in ("miss-peer", "down-peer", "pending-peer", "extra-peer", "offline-peer"):
        assert listed(cluster, check) == 0
    cluster.until(lambda: listed(cluster, "down-peer"), 3)
    cluster.restart(dead)
    cluster.until(lambda: listed(cluster, "down-peer"), 0)


def test_a_restarted_store_is_itself_again_and_up_only_after_a_heartbeat(make_cluster):
    cluster = make_cluster(scale=10)
    cluster.start()
    cluster.until_steady()
    store = cluster.stores[1]
    store_id, started = identity(cluster.described()[store.name])
    store.kill()
    cluster.until(lambda: cluster.states()[store.name], "Disconnected")
    heard = cluster.described()[store.name]["store"]["last_heartbeat"]
    cluster.restart(store)
    cluster.until(lambda: identity(cluster.described()[store.name])[1] > started, True)
    described = cluster.described()[store.name]["store"]
    if described["last_heartbeat"] == heard:
        assert described["state_name"] == "Disconnected"
    cluster.until_steady()
    assert identity(cluster.described()[store.name])[0] == store_id


def test_a_store_that_never_sent_a_heartbeat_is_down_since_1970(make_cluster):
    cluster = make_cluster(scale=1, members=1, stores=1)
    cluster.start()
    cluster.until(lambda: len(cluster.described()), 1)
    [store] = cluster.stores
    cluster.until(lambda: "ready to serve" in store.log.read_text(), True)
    until = time.monotonic() + 1
    while time.monotonic() < until:
        [described] = cluster.described().values()
        assert described["store"]["state_name"] == "Down"
        assert described["status"]["last_heartbeat_ts"] == "1970-01-01T00:00:00Z"
        assert not {"last_heartbeat", "node_state"} & described["store"].keys()
        assert not {"uptime", "slow_score"} & described["status"].keys()


def test_a_paused_store_hangs_and_is_up_again_when_it_wakes(cluster):
    store = cluster.stores[2]
    store.pause()
    cluster.until(lambda: cluster.states()[store.name], "Disconnected")
    status = store.url.replace("20160", "20180") + "/status"
    # The connection is made, the answer does not come.
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(status, timeout=httpx.Timeout(30, read=0.2))
    store.resume()
    cluster.until_steady()


def test_a_store_told_to_leave_hands_its_leaders_over_first(cluster):
    store = cluster.stores[0]
    assert store.leave() == 0
    assert "transfer leader" in store.log.read_text()
    cluster.until(lambda: sorted(cluster.leader_counts().values()), [0, 1, 2])
    assert cluster.leader_counts()[store.name] == 0


def test_a_store_that_nobody_can_take_over_from_just_leaves(cluster):
    last, *others = cluster.stores
    for store in others:
        store.kill()
    cluster.until(lambda: {cluster.put(last, f"key{number}", "1") for number in range(20)}, {503})
    assert last.leave() == 0
    assert "transfer leader" not in last.log.read_text()


def test_a_store_cut_off_from_pd_alone_keeps_its_leaders(make_cluster):
    cluster = make_cluster(scale=10, cuttable=True)
    cluster.start()
    cluster.until_steady()
    store = cluster.stores[0]
    cluster.links.cut(store.name, *(node.name for node in cluster.members))
    cluster.until(lambda: cluster.states()[store.name], "Disconnected")
    assert cluster.leader_counts() == {"tikv0": 1, "tikv1": 1, "tikv2": 1}
    assert {cluster.put(store, f"key{number}", "x") for number in range(10)} == {204}
    cluster.links.mend()
    cluster.until_steady()


def test_a_new_leader_of_pd_may_miss_heartbeats_it_never_received(make_cluster):
    cluster = make_cluster(scale=10)
    cluster.start()
    cluster.until_steady()
    # Kept is the first heartbeat this leader received; wait until that is long ago.
    kept = max(each["store"]["last_heartbeat"] for each in cluster.described().values())
    cluster.until(lambda: time.time_ns() - kept > 25 / 10 * 10**9, True)
    leader = cluster.leader()
    [other, _] = [node for node in cluster.members if node is not leader]
    leader.kill()
    seen = {}
    while not seen:
        seen = cluster.described(at=other)
    unheard = [each for each in seen.values() if each["store"]["last_heartbeat"] <= kept]
    assert unheard, "all stores had sent a heartbeat before the first look"
    for each in unheard:
        assert each["store"]["state_name"] == "Disconnected"
        assert (each["status"]["capacity"], each["status"]["leader_count"]) == ("0B", 1)
    cluster.until_steady()


def test_two_lost_stores_leave_stale_leader_counts(cluster):
    for store in cluster.stores[:2]:
        store.kill()
    cluster.until(lambda: sorted(cluster.states().values()), ["Disconnected", "Disconnected", "Up"])
    cluster.until(lambda: cluster.put(cluster.stores[2], "a", "1"), 503)
    assert cluster.leader_counts() == {"tikv0": 1, "tikv1": 1, "tikv2": 1}


def test_stores_go_on_with_another_member_when_the_leader_is_gone(cluster):
    cluster.leader().kill()
    cluster.until(lambda: bool(cluster.described()), True)
    cluster.until_steady()


def test_another_store_on_a_known_address_is_refused(cluster):
    store = cluster.stores[0]
    store.kill()
    (cluster.directory / store.name / "identity.json").unlink()
    cluster.restart(store)
    assert store.process.wait(30) == 1
    [*_, last] = store.log.read_text().splitlines()
    assert last.startswith("tikv-server: duplicated store address: ")


def test_leaders_are_spread_again_after_a_store_returned(cluster):
    store = cluster.stores[1]
    store.kill()
    cluster.until(lambda: sorted(cluster.leader_counts().values()), [0, 1, 2])
    cluster.restart(store)
    cluster.until_steady()
