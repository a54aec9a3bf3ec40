"""The rule itself, on a real Redis: never more than the limit within any window."""

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.ratelimiter.limiter import Limit, Limiter, Standing, Unreadable
from systems.ratelimiter.redis_link import RedisLink

pytestmark = pytest.mark.anyio

LONG = 600_000
"""A window in ms that no test outlives."""


def redis_ms(redis_server) -> int:
    seconds, micros = redis_server.client.time()
    return seconds * 1000 + micros // 1000


async def test_requests_are_allowed_up_to_the_limit_and_then_refused(limiter):
    answers = [await limiter.check("k", limit=3, window_ms=LONG) for _ in range(5)]
    assert [answer.allowed for answer in answers] == [True, True, True, False, False]
    assert [answer.count for answer in answers] == [1, 2, 3, 3, 3]
    assert [answer.remaining for answer in answers] == [2, 1, 0, 0, 0]


async def test_a_refused_request_leaves_no_trace(limiter, redis_server):
    await limiter.check("k", limit=1, window_ms=LONG)
    before = redis_server.client.zrange("ratelimit:k", 0, -1, withscores=True)
    sequence = redis_server.client.get("ratelimit:k:seq")
    await limiter.check("k", limit=1, window_ms=LONG)
    assert redis_server.client.zrange("ratelimit:k", 0, -1, withscores=True) == before
    assert redis_server.client.get("ratelimit:k:seq") == sequence


async def test_a_limit_of_0_refuses_everything_and_writes_nothing(limiter, redis_server):
    answer = await limiter.check("k", limit=0, window_ms=LONG)
    assert (answer.allowed, answer.count, answer.remaining) == (False, 0, 0)
    assert answer.retry_after_ms == LONG
    assert not redis_server.client.exists("ratelimit:k", "ratelimit:k:seq")


async def test_concurrent_checks_allow_exactly_the_limit(limiter):
    answers = []

    async def check() -> None:
        answers.append(await limiter.check("k", limit=40, window_ms=LONG))

    async with anyio.create_task_group() as tasks:
        for _ in range(200):
            tasks.start_soon(check)
    assert sum(answer.allowed for answer in answers) == 40
    assert sorted(answer.count for answer in answers if answer.allowed) == list(range(1, 41))


async def test_requests_within_the_same_ms_are_all_counted(limiter, redis_server):
    for _ in range(50):
        await limiter.check("k", limit=50, window_ms=LONG)
    scores = [score for _, score in redis_server.client.zrange("ratelimit:k", 0, -1, withscores=True)]
    assert len(scores) == 50
    assert len(set(scores)) < 50, "no two fell in one ms: this machine is too slow for the test"


async def test_a_lost_sequence_does_not_make_requests_overwrite_each_other(limiter, redis_server):
    for _ in range(10):
        await limiter.check("k", limit=10, window_ms=LONG)
        redis_server.client.delete("ratelimit:k:seq")
    assert redis_server.client.zcard("ratelimit:k") == 10


async def test_requests_leave_the_window_one_by_one(limiter, redis_server):
    now = redis_ms(redis_server)
    ages = {"gone": LONG + 60_000, "soon gone": LONG - 60_000, "fresh": 1000}
    redis_server.client.zadd("ratelimit:k", {name: now - age for name, age in ages.items()})
    refused = await limiter.check("k", limit=2, window_ms=LONG)
    assert (refused.allowed, refused.count) == (False, 2)
    assert 0 < refused.retry_after_ms <= 60_001
    assert redis_server.client.zrange("ratelimit:k", 0, -1) == ["soon gone", "fresh"]

    redis_server.client.zadd("ratelimit:k", {"soon gone": now - LONG - 60_000})
    assert (await limiter.check("k", limit=2, window_ms=LONG)).allowed


async def test_when_far_over_the_limit_the_wait_is_until_enough_requests_are_gone(limiter, redis_server):
    now = redis_ms(redis_server)
    redis_server.client.zadd("ratelimit:k", {f"{age}": now - age for age in range(10_000, 60_000, 10_000)})
    refused = await limiter.check("k", limit=3, window_ms=LONG)
    # Five are counted: the next is allowed when the three oldest, of 50, 40 and 30 s, are gone.
    assert LONG - 40_000 < refused.retry_after_ms <= LONG - 30_000 + 1


async def test_everything_a_key_left_expires_with_its_window(limiter, redis_server):
    await limiter.check("k", limit=5, window_ms=LONG)
    for name in ("ratelimit:k", "ratelimit:k:seq", "ratelimiter:asked:k"):
        assert 0 < redis_server.client.pttl(name) <= LONG


async def test_at_no_time_does_a_window_hold_more_than_the_limit(limiter, redis_server):
    limit, window_ms = 3, 60
    allowed_at = []
    # Asked without a pause, so that one is asked in the very ms in which a slot is freed.
    with anyio.move_on_after(20):
        while len(allowed_at) < 8 * limit:
            answer = await limiter.check("k", limit=limit, window_ms=window_ms)
            if answer.allowed:
                newest = redis_server.client.zrange("ratelimit:k", -1, -1, withscores=True)
                # Nobody else writes, so the newest entry is this request, unless it has expired.
                allowed_at += [int(score) for _, score in newest]
    assert len(allowed_at) == 8 * limit, "the window did not slide: requests stayed refused"
    for first, beyond in zip(allowed_at, allowed_at[limit:], strict=False):
        assert beyond - first > window_ms


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    limit=st.integers(0, 6),
    # Ages in minutes of earlier requests; none so close to a window's end that time could decide.
    ages=st.lists(st.integers(0, 40), max_size=12),
    window=st.integers(1, 30),
    requests=st.integers(1, 8),
)
def test_whatever_came_before_exactly_the_free_slots_are_given_away(
    redis_server, limit, ages, window, requests
):
    minute = 60_000
    window_ms = window * minute + minute // 2
    now = redis_ms(redis_server)
    redis_server.client.flushdb()
    redis_server.client.hset("ratelimit:limit:k", mapping={"limit": limit, "window_ms": window_ms})
    if ages:
        entries = {f"{number}": now - age * minute for number, age in enumerate(ages)}
        redis_server.client.zadd("ratelimit:k", entries)

    async def looked_and_checked() -> tuple[list[Standing | Unreadable], list[Standing]]:
        link = RedisLink(redis_server.url)
        limiter = Limiter(link)
        looked = await limiter.counters()
        answers = [await limiter.check("k", limit=None, window_ms=None) for _ in range(requests)]
        await link.close()
        return looked, answers

    [looked], answers = anyio.run(looked_and_checked)
    counted = sum(age <= window for age in ages)
    free = max(0, limit - counted)
    assert (looked.count, looked.remaining, looked.allowed) == (counted, free, free > 0)
    allowed = [answer.allowed for answer in answers]
    assert allowed == [number < free for number in range(requests)]
    assert answers[-1].count == counted + min(free, requests)


async def test_a_stored_limit_goes_before_the_requests_own(limiter):
    await limiter.store_limit(Limit("k", 1, LONG))
    answer = await limiter.check("k", limit=50, window_ms=10)
    assert (answer.limit, answer.window_ms) == (1, LONG)


async def test_without_any_limit_the_default_holds(limiter):
    answer = await limiter.check("k", limit=None, window_ms=None)
    assert (answer.limit, answer.window_ms) == (100, 60_000)


async def test_a_stored_limit_without_a_window_has_the_default_window(limiter, redis_server):
    redis_server.client.hset("ratelimit:limit:k", "limit", 7)
    answer = await limiter.check("k", limit=None, window_ms=5)
    assert (answer.limit, answer.window_ms) == (7, 60_000)


async def test_a_counter_shows_the_limit_that_its_latest_request_brought(limiter):
    await limiter.check("k", limit=7, window_ms=LONG)
    [counter] = await limiter.counters()
    assert (counter.count, counter.limit, counter.window_ms) == (1, 7, LONG)
    await limiter.check("k", limit=None, window_ms=None)
    [counter] = await limiter.counters()
    assert (counter.limit, counter.window_ms) == (100, 60_000)


async def test_looking_changes_nothing(limiter, redis_server):
    now = redis_ms(redis_server)
    redis_server.client.zadd("ratelimit:k", {"old": now - LONG, "new": now})
    before = redis_server.client.dump("ratelimit:k")
    await limiter.counters()
    assert redis_server.client.dump("ratelimit:k") == before
    assert redis_server.client.keys() == ["ratelimit:k"]


async def test_a_key_whose_requests_are_all_old_is_no_counter(limiter, redis_server):
    redis_server.client.zadd("ratelimit:k", {"old": redis_ms(redis_server) - LONG})
    assert await limiter.counters() == []


async def test_more_keys_than_fit_in_one_question_are_all_found(limiter, redis_server):
    with redis_server.client.pipeline() as pipe:
        for number in range(1234):
            pipe.hset(f"ratelimit:limit:k{number}", mapping={"limit": number, "window_ms": LONG})
        pipe.execute()
    expected = {(f"k{number}", number) for number in range(1234)}
    assert {(counter.key, counter.limit) for counter in await limiter.counters()} == expected
    assert {(limit.key, limit.limit) for limit in await limiter.limits()} == expected


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"limit": "ten"}, "malformed ratelimit:limit:k: limit=ten burst= window_ms="),
        ({"limit": "-1"}, "malformed ratelimit:limit:k: limit=-1 burst= window_ms="),
        ({"limit": "9" * 16}, f"malformed ratelimit:limit:k: limit={'9' * 16} burst= window_ms="),
        ({"window_ms": "5"}, "malformed ratelimit:limit:k: limit= burst= window_ms=5"),
        (
            {"limit": "1", "window_ms": "0"},
            "malformed ratelimit:limit:k: limit=1 burst= window_ms=0",
        ),
        ({"limit": "1", "burst": "x"}, "malformed ratelimit:limit:k: limit=1 burst=x window_ms="),
    ],
)
async def test_a_malformed_limit_allows_nothing_and_is_named(limiter, redis_server, fields, problem):
    redis_server.client.hset("ratelimit:limit:k", mapping=fields)
    assert await limiter.check("k", limit=5, window_ms=LONG) == Unreadable("k", problem)
    assert await limiter.counters() == [Unreadable("k", problem)]
    assert await limiter.limits() == [Unreadable("k", problem)]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("ratelimit:k", "wrong type: list"),
        ("ratelimit:limit:k", "wrong type of ratelimit:limit:k: list"),
        ("ratelimit:k:seq", "wrong type of ratelimit:k:seq"),
    ],
)
async def test_a_value_of_a_wrong_type_allows_nothing(limiter, redis_server, name, problem):
    redis_server.client.rpush(name, "x")
    assert await limiter.check("k", limit=5, window_ms=LONG) == Unreadable("k", problem)


async def test_a_limit_asked_for_that_was_overwritten_gives_way_to_the_default(limiter, redis_server):
    await limiter.check("k", limit=5, window_ms=LONG)
    redis_server.client.set("ratelimiter:asked:k", "x")
    [counter] = await limiter.counters()
    assert counter.limit == 100
    assert (await limiter.check("k", limit=5, window_ms=LONG)).limit == 5


async def test_a_reset_forgets_the_requests_and_their_sequence_but_never_the_limit(limiter, redis_server):
    await limiter.store_limit(Limit("k", 3, LONG))
    for _ in range(3):
        await limiter.check("k", limit=None, window_ms=None)
    assert await limiter.reset("k") == 3
    assert redis_server.client.keys() == ["ratelimit:limit:k"]
    assert await limiter.reset("k") == 0
    assert (await limiter.check("k", limit=None, window_ms=None)).remaining == 2


async def test_a_reset_clears_a_value_of_a_wrong_type(limiter, redis_server):
    redis_server.client.set("ratelimit:k", "x")
    redis_server.client.rpush("ratelimit:k:seq", "x")
    assert await limiter.reset("k") == 1
    assert (await limiter.check("k", limit=1, window_ms=LONG)).allowed


async def test_a_burst_left_on_a_limit_of_0_shows_as_something_remaining(limiter, redis_server):
    redis_server.client.hset("ratelimit:limit:k", mapping={"limit": 0, "window_ms": LONG, "burst": 2})
    [counter] = await limiter.counters()
    assert (counter.limit, counter.remaining, counter.allowed) == (0, 2, True)
    answers = [await limiter.check("k", limit=None, window_ms=None) for _ in range(3)]
    assert [answer.allowed for answer in answers] == [True, True, False]


async def test_storing_a_limit_removes_a_burst(limiter, redis_server):
    redis_server.client.hset("ratelimit:limit:k", mapping={"limit": 0, "burst": 2})
    await limiter.store_limit(Limit("k", 0, LONG))
    [counter] = await limiter.counters()
    assert (counter.limit, counter.remaining, counter.allowed) == (0, 0, False)


async def test_a_lost_script_cache_is_no_failure(limiter, redis_server):
    await limiter.check("k", limit=2, window_ms=LONG)
    redis_server.client.script_flush()
    assert (await limiter.check("k", limit=2, window_ms=LONG)).count == 2
