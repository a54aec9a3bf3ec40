"""What PD answers, field by field and type by type, against payloads in `golden/`.

These are written from PD's sources. A golden list holds one element, which every element must match.
"""

import json
import re
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"

_TEXTS = {
    "size": r"\d+(\.\d+)?(B|[KMGTP]iB)",
    "duration": r"(\d+h)?(\d+m)?\d+(\.\d+)?(s|ms|µs|ns)",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z",
    "URL": r"http://[\d.]+:\d+",
    "address": r"[\d.]+:\d+",
    "version": r"v?\d+\.\d+\.\d+",
    "hash": r"[0-9a-f]{40}",
    "flag": r"true|false",
    "text": r".*",
}


def kind(value: object) -> str:
    """A name for the type of a value and, of a text, for what it looks like."""
    if isinstance(value, str):
        return next(name for name, pattern in _TEXTS.items() if re.fullmatch(pattern, value))
    return type(value).__name__


def differences(found: object, golden: object, where: str = "$") -> list[str]:
    if isinstance(found, dict) and isinstance(golden, dict):
        if list(found) != list(golden):
            return [f"{where}: {list(found)} instead of {list(golden)}"]
        return [each for name in golden for each in differences(found[name], golden[name], f"{where}.{name}")]
    if isinstance(found, list) and isinstance(golden, list):
        return [
            each
            for place, element in enumerate(found)
            for each in differences(element, golden[0], f"{where}[{place}]")
        ]
    # Go writes a float that happens to be whole as an integer.
    if kind(found) == kind(golden) or (kind(found), kind(golden)) == ("int", "float"):
        return []
    # Keys at the ends of the key space are empty.
    if where.endswith("_key") and isinstance(found, str):
        return []
    return [f"{where}: {found!r} is a {kind(found)}, not a {kind(golden)}"]


def golden(name: str):
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.mark.parametrize("path", ["stores", "health", "members", "leader", "regions", "regions/count"])
def test_a_payload_has_the_fields_and_types_of_the_real_one(steady, path):
    for node in steady.members:
        found = steady.get(node, f"/{path}").json()
        assert differences(found, golden(path.replace("/", "_"))) == []


def test_a_store_alone_looks_as_in_the_list(steady):
    node = steady.members[0]
    [first, *_] = steady.get(node, "/stores").json()["stores"]
    alone = steady.get(node, f"/store/{first['store']['id']}").json()
    assert differences(alone, golden("stores")["stores"][0]) == []
    assert alone["store"]["address"] == first["store"]["address"]


def test_status_has_the_real_fields_and_says_that_it_is_a_stand_in(steady):
    found = steady.get(steady.members[0], "/status").json()
    assert found.pop("stand_in") == {"time_scale": 20}
    assert differences(found, golden("status")) == []


def test_config_writes_durations_and_switches_as_texts(steady):
    found, expected = steady.get(steady.members[0], "/config").json(), golden("config")
    chosen = {
        section: {name: found[section][name] for name in settings} for section, settings in expected.items()
    }
    assert chosen == expected


@pytest.mark.parametrize("path", ["stores", "store/1", "health", "members", "leader", "status", "config"])
def test_json_is_indented_by_two_spaces(steady, path):
    answer = steady.get(steady.leader(), f"/{path}")
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.text == json.dumps(answer.json(), indent=2) + "\n"


@pytest.mark.parametrize("path", ["regions", "regions/count", "regions/check/miss-peer"])
def test_regions_are_compact(steady, path):
    answer = steady.get(steady.leader(), f"/{path}")
    assert answer.text == json.dumps(answer.json(), separators=(",", ":"))


def test_the_fields_of_a_store_agree_with_each_other(steady):
    for each in steady.described().values():
        store, status = each["store"], each["status"]
        assert store["start_timestamp"] * 10**9 < store["last_heartbeat"]
        assert store["peer_address"] == store["address"]
        assert (status["leader_count"], status["region_count"], status["region_size"]) == (1, 3, 3)
        assert (status["capacity"], status["slow_score"]) == ("1GiB", 1)


def test_there_are_three_regions_with_three_peers_and_a_leader_among_them(steady):
    regions = steady.get(steady.members[0], "/regions").json()["regions"]
    assert [(region["start_key"], region["end_key"]) for region in regions] == [
        ("", "55"),
        ("55", "AA"),
        ("AA", ""),
    ]
    for region in regions:
        assert len({peer["store_id"] for peer in region["peers"]}) == 3
        assert region["leader"] in region["peers"]
    assert len({region["leader"]["store_id"] for region in regions}) == 3


@pytest.mark.parametrize(
    ("path", "status"), [("ping", 200), ("nowhere", 404), ("regions/check/odd-peer", 404)]
)
def test_the_status_of_other_paths(steady, path, status):
    assert steady.get(steady.leader(), f"/{path}").status_code == status


def test_ready_and_ping_are_empty_and_version_is_not(steady):
    node = steady.members[0]
    assert steady.get(node, "/ping").content == b""
    assert steady.client.get(f"{node.url}/pd/api/v2/ready").status_code == 200
    assert steady.get(node, "/version").json() == {"version": "v8.5.7"}
    assert steady.client.get(f"{node.url}/health").json()["health"] == "true"


def test_only_the_leader_has_metrics_and_one_series_per_store(steady):
    leader = steady.leader()
    for node in steady.members:
        lines = steady.client.get(f"{node.url}/metrics").text.splitlines()
        up = [line for line in lines if re.match(r'pd_cluster_status\{.*type="store_up_count"\} 1$', line)]
        assert len(up) == (3 if node is leader else 0)


@pytest.mark.parametrize("path", ["/status", "/metrics", "/config", "/engine_type", "/region/9999", "/other"])
def test_the_status_server_of_a_store(steady, path):
    store = steady.stores[0]
    answer = steady.client.get(store.url.replace("20160", "20180") + path)
    assert answer.status_code == (404 if path in ("/region/9999", "/other") else 200)
    if path == "/status":
        assert answer.content == b""
    if path == "/metrics":
        for wanted in (
            'tikv_grpc_msg_duration_seconds_bucket{type="raw_get",le="+Inf"}',
            'tikv_store_size_bytes{type="capacity"} 1073741824',
            'tikv_store_size_bytes{type="available"}',
            'tikv_store_size_bytes{type="used"}',
        ):
            assert wanted in answer.text
    if path == "/config":
        assert answer.json()["stand-in"] == {"time-scale": 20}


def test_the_status_server_knows_its_regions(steady):
    [first, *_] = steady.get(steady.members[0], "/regions").json()["regions"]
    leaders = []
    for store in steady.stores:
        found = steady.client.get(f"{store.url.replace('20160', '20180')}/region/{first['id']}").json()
        leaders.append(found["raft_status"]["soft_state"]["raft_state"])
        assert found["region_state"]["end_key"] == first["end_key"]
    assert sorted(leaders) == ["Follower", "Follower", "Leader"]
