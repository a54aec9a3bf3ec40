"""The key-value API: three copies, one leader, nothing that was acknowledged is lost."""

KEYS = [f"key{number}" for number in range(30)]


def values(cluster, node) -> list[tuple[int, str]]:
    return [cluster.read(node, key) for key in KEYS]


def statuses(cluster, node) -> set[int]:
    return {status for status, _ in values(cluster, node)}


def write_all(cluster, node, value: str) -> set[int]:
    return {cluster.put(node, key, f"{value}-{key}") for key in KEYS}


def written(value: str) -> list[tuple[int, str]]:
    return [(200, f"{value}-{key}") for key in KEYS]


def test_what_one_store_was_told_every_store_knows(steady):
    assert write_all(steady, steady.stores[0], "x") == {204}
    for store in steady.stores:
        assert values(steady, store) == written("x")


def test_keys_spread_over_all_regions(steady):
    write_all(steady, steady.stores[0], "x")

    def sizes():
        regions = steady.get(steady.members[0], "/regions").json()["regions"]
        return [region["approximate_keys"] > 0 for region in regions]

    steady.until(sizes, [True, True, True])


def test_a_deleted_key_is_gone(steady):
    first, second, _ = steady.stores
    steady.put(first, "gone", "soon")
    assert steady.client.delete(f"{second.url}/kv/gone").status_code == 204
    assert steady.read(first, "gone")[0] == 404


def test_any_bytes_can_be_a_value_and_any_text_a_key(steady):
    url = f"{steady.stores[0].url}/kv/%C3%A4%20%2F%3F"
    value = bytes(range(256))
    assert steady.client.put(url, content=value).status_code == 204
    assert steady.client.get(url).content == value


def test_a_value_that_is_too_large_is_refused(steady):
    assert steady.put(steady.stores[0], "large", "x" * 65_537) == 413


def test_what_was_acknowledged_survives_the_death_of_any_one_store(cluster):
    assert write_all(cluster, cluster.stores[0], "before") == {204}
    for dead in cluster.stores:
        dead.kill()
        living = next(store for store in cluster.stores if store is not dead)
        cluster.until(lambda store=living: values(cluster, store), written("before"))
        cluster.restart(dead)
        cluster.until_steady()
    assert values(cluster, cluster.stores[0]) == written("before")


def test_a_restarted_store_learns_what_it_missed(cluster):
    first, second, third = cluster.stores
    write_all(cluster, first, "old")
    third.kill()
    cluster.until(lambda: write_all(cluster, first, "new"), {204})
    cluster.restart(third)
    cluster.until_steady()
    # With the second gone nothing can be read unless the third has caught up.
    second.kill()
    cluster.until(lambda: values(cluster, third), written("new"))


def test_with_two_of_three_stores_lost_nothing_is_read_or_written(cluster):
    alone = cluster.stores[0]
    write_all(cluster, alone, "x")
    for store in cluster.stores[1:]:
        store.kill()
    cluster.until(lambda: statuses(cluster, alone), {503})
    assert write_all(cluster, alone, "y") == {503}
    assert "has no leader that most of its stores" in cluster.read(alone, KEYS[0])[1]
    for store in cluster.stores[1:]:
        cluster.restart(store)
    cluster.until(lambda: statuses(cluster, alone), {200})


def test_all_stores_killed_at_once_lose_nothing(cluster):
    write_all(cluster, cluster.stores[0], "x")
    for store in cluster.stores:
        store.kill()
    for store in cluster.stores:
        cluster.restart(store)
    cluster.until(lambda: values(cluster, cluster.stores[2]), written("x"))


def test_a_store_cut_off_from_its_peers_serves_nothing_stale(make_cluster):
    cluster = make_cluster(scale=10, cuttable=True)
    cluster.start()
    cluster.until_steady()
    alone, *others = cluster.stores
    write_all(cluster, alone, "old")
    cluster.links.cut(alone.name, *(store.name for store in others))
    cluster.until(lambda: write_all(cluster, others[0], "new"), {204})
    assert statuses(cluster, alone) == {503}
    assert cluster.states()[alone.name] == "Up"
    cluster.links.mend()
    cluster.until(lambda: values(cluster, alone), written("new"))
