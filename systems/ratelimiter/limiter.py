"""Limits and counters as they lie in Redis: checking, looking, storing a limit, resetting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from systems.ratelimiter.redis_link import RedisLink

DEFAULT_LIMIT = 100
"""Requests in one window for a key that nobody gave a limit."""

DEFAULT_WINDOW_MS = 60_000
"""Length in ms of a window that nobody gave a length."""

_LOG = "ratelimit:"
_STORED = "ratelimit:limit:"
_ASKED = "ratelimiter:asked:"
_SEQUENCE_END = ":seq"
_KEYS_IN_ONE_QUESTION = 100
_SLIDING_WINDOW = Path(__file__).with_name("sliding_window.lua").read_text(encoding="utf-8")

_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Limit:
    """At most `limit` requests within any `window_ms` ms."""

    key: str
    limit: int
    window_ms: int


@dataclass(frozen=True)
class Standing:
    """Where a key stands: `count` requests within its window, `remaining` more before a refusal.

    `allowed` says whether the request was admitted or, when only looking, the next one would be.
    `retry_after_ms` is 0 when allowed; `slot_freed_ms` is the time until the window frees a slot.
    """

    key: str
    allowed: bool
    count: int
    limit: int
    limit_is_stored: bool
    window_ms: int
    remaining: int
    retry_after_ms: int
    slot_freed_ms: int


@dataclass(frozen=True)
class Unreadable:
    """A key whose data in Redis is not what a rate limiter wrote; `problem` says why."""

    key: str
    problem: str


class Limiter:
    """Every method raises RedisUnreachableError when Redis gives no good answer."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def check(self, key: str, *, limit: int | None, window_ms: int | None) -> Standing | Unreadable:
        """Admit one request for `key`, or refuse it and leave no trace of it.

        A stored limit goes before `limit` and `window_ms`, and those before the defaults. A window
        shorter than that of the request before forgets what lies beyond it. A check that failed
        for want of an answer may have been counted: Redis can act on it when it wakes up.
        """
        brought = ["" if number is None else number for number in (limit, window_ms)]
        [reply] = await self._ask("check", [key], brought)
        return _standing(key, reply)

    async def counters(self) -> list[Standing | Unreadable]:
        """Every key that has a stored limit, requests in its window, or unreadable data."""
        names = await self._names(_LOG)
        logs = {name for name in names if not name.startswith(_STORED)}
        keys = {name.removeprefix(_STORED) for name in names - logs}
        keys |= {name.removeprefix(_LOG) for name in logs if not name.endswith(_SEQUENCE_END)}
        return [
            standing
            for standing in await self._ask_all("look", sorted(keys), _standing)
            if isinstance(standing, Unreadable) or standing.count or standing.limit_is_stored
        ]

    async def limits(self) -> list[Limit | Unreadable]:
        """Every stored limit."""
        names = await self._names(_STORED)
        keys = sorted(name.removeprefix(_STORED) for name in names)
        # One that was removed since its name was read has no limit any more.
        return [limit for limit in await self._ask_all("limits", keys, _limit) if limit]

    async def store_limit(self, limit: Limit) -> None:
        """Replace all that is stored as the limit of a key."""
        name = _STORED + limit.key
        async with self._link.question() as redis, redis.pipeline(transaction=True) as pipe:
            pipe.delete(name)
            pipe.hset(name, mapping={"limit": limit.limit, "window_ms": limit.window_ms})
            await pipe.execute()

    async def reset(self, key: str) -> int:
        """Forget the requests counted for `key`, never its limit; return how many they were."""
        log = _LOG + key
        async with self._link.question() as redis, redis.pipeline(transaction=True) as pipe:
            pipe.zcard(log)
            pipe.delete(log, log + _SEQUENCE_END)
            cleared, _ = await pipe.execute(raise_on_error=False)
        # A value of a wrong type cannot be counted; it is cleared as one.
        return cleared if isinstance(cleared, int) else 1

    async def _names(self, prefix: str) -> set[str]:
        names: set[str] = set()
        cursor = 0
        while True:
            async with self._link.question() as redis:
                cursor, found = await redis.scan(cursor, match=prefix + "*", count=1000)
            names.update(map(str, found))
            if cursor == 0:
                return names

    async def _ask_all(
        self, mode: str, keys: Sequence[str], read: Callable[[str, list[Any]], _Read]
    ) -> list[_Read]:
        found: list[_Read] = []
        for start in range(0, len(keys), _KEYS_IN_ONE_QUESTION):
            some = keys[start : start + _KEYS_IN_ONE_QUESTION]
            replies = await self._ask(mode, some, [])
            found += [read(key, reply) for key, reply in zip(some, replies, strict=True)]
        return found

    async def _ask(self, mode: str, keys: Sequence[str], brought: Sequence[str | int]) -> list[list[Any]]:
        names: list[str] = []
        for key in keys:
            log = _LOG + key
            names += [log, log + _SEQUENCE_END, _STORED + key, _ASKED + key]
        arguments = [mode, DEFAULT_LIMIT, DEFAULT_WINDOW_MS, *brought]
        async with self._link.question() as redis:
            sliding_window = redis.register_script(_SLIDING_WINDOW)
            replies: list[list[Any]] = await sliding_window(keys=names, args=arguments)
        return replies


def _limit(key: str, reply: list[Any]) -> Limit | Unreadable | None:
    problem, *numbers = reply
    if problem:
        return Unreadable(key, problem)
    return Limit(key, *numbers) if numbers else None


def _standing(key: str, reply: list[Any]) -> Standing | Unreadable:
    problem, *numbers = reply
    if problem:
        return Unreadable(key, problem)
    allowed, count, limit, window_ms, remaining, retry_after_ms, slot_freed_ms, stored = numbers
    return Standing(
        key=key,
        allowed=bool(allowed),
        count=count,
        limit=limit,
        limit_is_stored=bool(stored),
        window_ms=window_ms,
        remaining=remaining,
        retry_after_ms=retry_after_ms,
        slot_freed_ms=slot_freed_ms,
    )
