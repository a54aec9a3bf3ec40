"""The HTTP API: its shapes, its statuses, and its words for what it refuses."""

from urllib.parse import quote

import pytest

pytestmark = pytest.mark.anyio

LONG = 600_000
"""A window in ms that no test outlives."""

ODD_KEYS = [
    "user/42/orders",
    "tenant:a:b",
    "größe ☂",
    "a/reset",
    "what?#%",
    " ",
    "/",
    "{k}",
    "limits",
    "seq",
    "k" * 512,
]


async def test_a_check_answers_with_its_standing_and_headers(api):
    answer = await api.post("/check", json={"key": "k", "limit": 2, "window_ms": 90_000})
    assert answer.status_code == 200
    assert answer.json() == {
        "allowed": True,
        "current_count": 1,
        "remaining": 1,
        "retry_after_seconds": 0,
    }
    assert answer.headers["X-RateLimit-Limit"] == "2"
    assert answer.headers["X-RateLimit-Remaining"] == "1"
    assert answer.headers["X-RateLimit-Reset"] == "90"
    assert "Retry-After" not in answer.headers


async def test_a_refused_check_is_429_and_says_when_to_come_back(api):
    for _ in range(2):
        answer = await api.post("/check", json={"key": "k", "limit": 1, "window_ms": 90_500})
    assert answer.status_code == 429
    body = answer.json()
    assert 0 < body.pop("retry_after_seconds") <= 90.5
    assert body == {"allowed": False, "current_count": 1, "remaining": 0}
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    seconds = int(answer.headers["Retry-After"])
    assert 1 <= seconds <= 91
    assert answer.headers["X-RateLimit-Reset"] == str(seconds)


async def test_a_wait_of_less_than_a_second_is_never_given_as_none(api):
    for _ in range(2):
        answer = await api.post("/check", json={"key": "k", "limit": 1, "window_ms": 900})
        if answer.status_code == 429:
            assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "the body must be a JSON object; this is no JSON"),
        ("{", "the body must be a JSON object; this is no JSON"),
        ("\xff", "the body must be a JSON object; this is no JSON"),
        ("[" * 20_000, "the body must be a JSON object; this is no JSON"),
        ("[1]", "the body must be a JSON object, not [1]"),
        ("{}", "key must be a text that is not empty, not null"),
        ('{"key": ""}', 'key must be a text that is not empty, not ""'),
        ('{"key": 5}', "key must be a text that is not empty, not 5"),
        ('{"key": "a\\nb"}', "key must not hold control characters"),
        (
            '{"key": "\\ud800"}',
            "key must be valid Unicode; this one holds half a surrogate pair",
        ),
        (f'{{"key": "{"é" * 257}"}}', "key must be at most 512 bytes, this one is 514"),
        (
            '{"key": "k", "limit": -1}',
            "limit must be a whole number from 0 to 1000000000, not -1",
        ),
        (
            '{"key": "k", "limit": true}',
            "limit must be a whole number from 0 to 1000000000, not true",
        ),
        (
            '{"key": "k", "limit": 1.5}',
            "limit must be a whole number from 0 to 1000000000, not 1.5",
        ),
        (
            '{"key": "k", "limit": "5"}',
            'limit must be a whole number from 0 to 1000000000, not "5"',
        ),
        (
            '{"key": "k", "window_ms": 0}',
            "window_ms must be a whole number from 1 to 2678400000, not 0",
        ),
    ],
)
async def test_a_check_that_cannot_be_understood_is_422_and_says_why(api, redis_server, body, error):
    answer = await api.post("/check", content=body.encode("latin-1" if body == "\xff" else "utf-8"))
    assert (answer.status_code, answer.json()) == (422, {"error": error})
    assert redis_server.client.keys() == []


@pytest.mark.parametrize("key", ["limit", "limit:k", "k:seq"])
async def test_a_key_that_would_share_a_name_in_redis_is_refused(api, redis_server, key):
    error = "key must not be 'limit', begin with 'limit:' or end with ':seq': these are reserved"
    for method, path in [
        ("POST", "/check"),
        ("PUT", f"/api/limits/{key}"),
        ("POST", f"/api/counters/{key}/reset"),
    ]:
        answer = await api.request(method, path, json={"key": key, "limit": 1})
        assert (answer.status_code, answer.json()) == (422, {"error": error}), path
    assert redis_server.client.keys() == []


async def test_a_body_that_is_too_large_is_refused(api):
    answer = await api.post("/check", content=b" " * 70_000)
    assert answer.status_code == 413


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_any_key_can_be_limited_checked_seen_and_reset(api, key):
    path = quote(key, safe="")
    stored = await api.put(f"/api/limits/{path}", json={"limit": 1, "window_ms": LONG})
    assert (stored.status_code, stored.json()) == (
        200,
        {"key": key, "limit": 1, "window_ms": LONG},
    )
    statuses = [(await api.post("/check", json={"key": key})).status_code for _ in range(2)]
    assert statuses == [200, 429]
    assert (await api.get("/api/counters")).json() == {
        "counters": [{"key": key, "count": 1, "limit": 1, "window_ms": LONG, "remaining": 0}]
    }
    cleared = await api.post(f"/api/counters/{path}/reset")
    assert (cleared.status_code, cleared.json()) == (200, {"key": key, "cleared": 1})
    again = await api.post(f"/api/counters/{path}/reset")
    assert (again.status_code, again.json()) == (200, {"key": key, "cleared": 0})
    assert (await api.get("/api/limits")).json() == {"limits": [{"key": key, "limit": 1, "window_ms": LONG}]}


async def test_a_key_with_a_slash_may_also_come_unescaped(api):
    await api.put("/api/limits/user/42", json={"limit": 5})
    assert (await api.get("/api/limits")).json()["limits"][0]["key"] == "user/42"


async def test_resetting_a_key_nobody_used_is_no_error(api):
    answer = await api.post("/api/counters/never-seen/reset")
    assert (answer.status_code, answer.json()) == (200, {"key": "never-seen", "cleared": 0})


async def test_a_limit_without_a_window_gets_the_default_window(api):
    answer = await api.put("/api/limits/k", json={"limit": 5})
    assert answer.json() == {"key": "k", "limit": 5, "window_ms": 60_000}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "limit is missing: how many requests are allowed in one window"),
        ({"limit": None}, "limit is missing: how many requests are allowed in one window"),
        ({"limit": -3}, "limit must be a whole number from 0 to 1000000000, not -3"),
        (
            {"limit": 3, "window_ms": "1 minute"},
            'window_ms must be a whole number from 1 to 2678400000, not "1 minute"',
        ),
    ],
)
async def test_a_bad_limit_is_422_and_stores_nothing(api, redis_server, body, error):
    answer = await api.put("/api/limits/k", json=body)
    assert (answer.status_code, answer.json()) == (422, {"error": error})
    assert redis_server.client.keys() == []


async def test_counters_lists_limited_and_counted_keys_in_order(api):
    await api.put("/api/limits/b", json={"limit": 5})
    await api.post("/check", json={"key": "a", "limit": 3, "window_ms": LONG})
    assert (await api.get("/api/counters")).json() == {
        "counters": [
            {"key": "a", "count": 1, "limit": 3, "window_ms": LONG, "remaining": 2},
            {"key": "b", "count": 0, "limit": 5, "window_ms": 60_000, "remaining": 5},
        ]
    }


async def test_a_counter_pushed_over_its_limit_is_shown_as_it_is(api, redis_server):
    await api.put("/api/limits/k", json={"limit": 2})
    now = int(redis_server.client.time()[0]) * 1000
    redis_server.client.zadd("ratelimit:k", {f"pushed-{number}": now for number in range(7)})
    [counter] = (await api.get("/api/counters")).json()["counters"]
    assert (counter["count"], counter["limit"], counter["remaining"]) == (7, 2, 0)


async def test_a_value_of_a_wrong_type_is_reported_and_hides_no_other_counter(api, redis_server):
    redis_server.client.set("ratelimit:broken", "x")
    redis_server.client.set("ratelimit:limit:limited", "x")
    await api.put("/api/limits/whole", json={"limit": 5})
    found = {each["key"]: each for each in (await api.get("/api/counters")).json()["counters"]}
    assert found["broken"] == {"key": "broken", "error": "wrong type: string"}
    assert found["limited"] == {
        "key": "limited",
        "error": "wrong type of ratelimit:limit:limited: string",
    }
    assert found["whole"]["limit"] == 5
    limits = (await api.get("/api/limits")).json()["limits"]
    assert [limit["key"] for limit in limits] == ["limited", "whole"]
    assert limits[0]["error"] == "wrong type of ratelimit:limit:limited: string"
    assert (await api.get("/api/blocks")).json() == {"blocks": []}


async def test_a_check_on_a_value_of_a_wrong_type_is_refused(api, redis_server):
    redis_server.client.set("ratelimit:broken", "x")
    answer = await api.post("/check", json={"key": "broken"})
    assert answer.status_code == 500
    assert answer.json() == {"allowed": False, "error": "wrong type: string"}


async def test_bytes_that_are_no_text_do_not_hide_the_other_counters(api, redis_server):
    redis_server.client.zadd(b"ratelimit:\xff", {b"\xff": 1})
    redis_server.client.hset(b"ratelimit:limit:\xfe", "limit", b"\xff")
    await api.put("/api/limits/whole", json={"limit": 5})
    for path in ("/api/counters", "/api/limits"):
        answer = await api.get(path)
        assert answer.status_code == 200
        assert "whole" in answer.text


async def test_a_key_allowed_although_its_limit_is_0_is_visible(api, redis_server):
    redis_server.client.hset("ratelimit:limit:k", mapping={"limit": 0, "burst": 5})
    assert (await api.get("/api/counters")).json() == {
        "counters": [{"key": "k", "count": 0, "limit": 0, "window_ms": 60_000, "remaining": 5}]
    }
    assert (await api.post("/check", json={"key": "k"})).status_code == 200
    await api.put("/api/limits/k", json={"limit": 0})
    assert (await api.post("/check", json={"key": "k"})).status_code == 429


async def test_blocks_lists_the_keys_whose_next_request_would_be_refused(api):
    await api.post("/check", json={"key": "full", "limit": 1, "window_ms": LONG})
    await api.post("/check", json={"key": "half", "limit": 2, "window_ms": LONG})
    await api.put("/api/limits/closed", json={"limit": 0, "window_ms": LONG})
    closed, full = (await api.get("/api/blocks")).json()["blocks"]
    assert closed == {"key": "closed", "count": 0, "limit": 0, "retry_after_seconds": 600}
    assert 0 < full.pop("retry_after_seconds") <= 600
    assert full == {"key": "full", "count": 1, "limit": 1}


async def test_health_names_the_node_and_its_redis(api):
    answer = await api.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "node": "here", "redis": "ok"}


async def test_without_redis_everything_says_so_and_nothing_is_allowed(api, redis_server):
    redis_server.kill()
    health = await api.get("/health")
    assert health.status_code == 503
    assert (health.json()["status"], health.json()["node"]) == ("degraded", "here")
    assert health.json()["redis"].startswith("unreachable: ")
    check = await api.post("/check", json={"key": "k"})
    assert (check.status_code, check.json()["allowed"]) == (503, False)
    assert check.json()["error"].startswith("Redis unreachable: ")
    for method, path in [
        ("GET", "/api/nodes"),
        ("GET", "/api/counters"),
        ("GET", "/api/limits"),
        ("GET", "/api/blocks"),
        ("PUT", "/api/limits/k"),
        ("POST", "/api/counters/k/reset"),
    ]:
        answer = await api.request(method, path, json={"limit": 1})
        assert answer.status_code == 503, path
        assert answer.json()["error"].startswith("Redis unreachable: "), path
    assert (await api.get("/metrics")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/check", 405), ("POST", "/api/counters//reset", 422)],
)
async def test_an_error_is_json_whatever_it_is(api, method, path, status):
    answer = await api.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]
