"""What PD lets people change, and what it refuses."""

import pytest


def delete(cluster, store_id: int, **query: str):
    return cluster.client.delete(f"{cluster.members[0].url}/pd/api/v1/store/{store_id}", params=query)


def set_state(cluster, store_id: int, state: str):
    url = f"{cluster.members[0].url}/pd/api/v1/store/{store_id}/state"
    return cluster.client.post(url, params={"state": state})


def configure(cluster, **settings: object):
    update = {name.replace("_", "-"): value for name, value in settings.items()}
    return cluster.client.post(f"{cluster.members[0].url}/pd/api/v1/config", json=update)


def states_by_filter(cluster, number: int) -> list[str]:
    stores = cluster.get(cluster.members[0], "/stores", params={"state": number}).json()["stores"]
    return [each["store"]["state_name"] for each in stores]


def test_of_three_stores_none_can_be_deleted(steady):
    for store_id in (1, 2, 3):
        for answer in (delete(steady, store_id), set_state(steady, store_id, "Offline")):
            assert (answer.status_code, answer.json()) == (
                400,
                f"[PD:core:ErrStoresNotEnough]can not remove store {store_id} "
                "since the number of up stores would be 2 while need 3",
            )
    assert set(steady.states().values()) == {"Up"}


def test_a_dead_store_cannot_be_deleted_either(cluster):
    dead = cluster.stores[0]
    store_id = cluster.described()[dead.name]["store"]["id"]
    dead.kill()
    cluster.until(lambda: cluster.states()[dead.name], "Disconnected")
    assert delete(cluster, store_id).status_code == 400


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/store/99", 404, "[PD:core:ErrStoreNotFound]store 99 not found"),
        ("/store/x", 400, 'strconv.ParseUint: parsing "x": invalid syntax'),
        ("/stores?state=x", 400, 'strconv.ParseUint: parsing "x": invalid syntax'),
    ],
)
def test_what_does_not_exist_is_an_error_in_json(steady, path, status, text):
    answer = steady.get(steady.members[0], path)
    assert answer.status_code == status
    assert text in answer.json()


def test_before_the_first_store_there_is_no_cluster(make_cluster):
    cluster = make_cluster(stores=0)
    cluster.start()
    cluster.until_all_members_answer()
    for path in ("/stores", "/store/1", "/regions", "/regions/count"):
        answer = cluster.get(cluster.members[0], path)
        assert (answer.status_code, answer.json()) == (
            500,
            "[PD:cluster:ErrNotBootstrapped]TiKV cluster not bootstrapped, please start TiKV first",
        )


def test_a_store_may_be_deleted_where_fewer_copies_are_enough(cluster):
    assert configure(cluster, max_replicas=2).json() == "The config is updated."
    answer = delete(cluster, 1)
    assert (answer.status_code, answer.json()) == (200, "The store is set as Offline.")
    [offline] = [each for each in cluster.described().values() if each["store"]["id"] == 1]
    assert (offline["store"]["state"], offline["store"]["node_state"]) == (1, 2)
    assert offline["store"]["state_name"] == "Offline"
    assert (states_by_filter(cluster, 0), states_by_filter(cluster, 1)) == (["Up", "Up"], ["Offline"])
    assert cluster.get(cluster.members[0], "/regions/check/offline-peer").json()["count"] == 3
    assert cluster.get(cluster.members[0], "/regions/check/extra-peer").json()["count"] == 3
    assert set_state(cluster, 1, "Up").json() == "The store's state is updated."
    cluster.until(lambda: set(cluster.states().values()), {"Up"})


def test_a_store_declared_lost_does_not_come_back(cluster):
    assert delete(cluster, 1, force="").status_code == 200
    for answer in (delete(cluster, 1), set_state(cluster, 1, "Up")):
        assert answer.status_code == 400
        assert answer.json() == "[PD:core:ErrStoreDestroyed]store 1 has been physically destroyed"


def test_a_setting_survives_a_change_of_leader(cluster):
    configure(cluster, **{"replication.max_replicas": 5})
    cluster.leader().kill()
    living = [node for node in cluster.members if node.running()]
    cluster.until(lambda: cluster.leader() in living, True)
    for node in living:
        assert cluster.get(node, "/config/replicate").json()["max-replicas"] == 5


@pytest.mark.parametrize(
    ("body", "text"),
    [(b'{"no-such": 1}', "config item no-such not found"), (b"[1]", "must be a JSON object")],
)
def test_settings_that_do_not_exist_are_refused(steady, body, text):
    answer = steady.client.post(f"{steady.members[0].url}/pd/api/v1/config", content=body)
    assert answer.status_code == 400
    assert text in answer.json()


def test_a_fourth_store_may_join_and_holds_no_regions(make_cluster):
    cluster = make_cluster(stores=4)
    fourth = cluster.stores.pop()
    for node in [*cluster.members, *cluster.stores]:
        node.start()
    cluster.until_steady()
    fourth.start()
    cluster.until(lambda: cluster.states().get(fourth.name), "Up")
    assert cluster.described()[fourth.name]["status"]["region_count"] == 0
    assert cluster.put(fourth, "key", "value") == 204
    assert cluster.read(cluster.stores[0], "key") == (200, "value")
    store_id = cluster.described()[fourth.name]["store"]["id"]
    assert delete(cluster, store_id).status_code == 200


def test_a_store_whose_disk_fills_up_says_so(cluster):
    store = cluster.stores[0]
    with (cluster.directory / store.name / "ballast").open("wb") as ballast:
        ballast.truncate(900 * 1024 * 1024)
    cluster.until(lambda: cluster.described()[store.name]["status"]["used_size"], "900MiB")
    assert cluster.described()[store.name]["status"]["available"] == "124MiB"
