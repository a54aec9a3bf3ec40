"""Witnesses every write to a rate limiter's counters and limits that does not come from checking requests."""

from collections.abc import Callable, Mapping

import anyio
from anyio.abc import TaskStatus
from redis.asyncio import Redis
from redis.exceptions import RedisError

from support.stacks.stack import Change

_WRITES = frozenset(
    {
        *("APPEND", "CONFIG", "COPY", "DECR", "DEL", "EVAL", "EXPIRE", "EXPIREAT", "FLUSHALL", "FLUSHDB"),
        *("GETDEL", "GETSET", "HDEL", "HINCRBY", "HMSET", "HSET", "INCR", "INCRBY", "MOVE", "PERSIST"),
        *("PEXPIRE", "PEXPIREAT", "RENAME", "RENAMENX", "RESTORE", "SET", "SETEX", "SHUTDOWN", "SWAPDB"),
        *("UNLINK", "ZADD", "ZINCRBY", "ZPOPMAX", "ZPOPMIN", "ZREM", "ZREMRANGEBYLEX"),
        *("ZREMRANGEBYRANK", "ZREMRANGEBYSCORE"),
    }
)
_WHOLE = frozenset({"CONFIG", "FLUSHALL", "FLUSHDB", "SHUTDOWN", "SWAPDB"})
_CHECKING = frozenset({"EXPIRE", "INCR", "PEXPIRE", "ZADD", "ZREMRANGEBYSCORE"})
"""What a node's script writes when it checks a request."""


async def witness(redis_url: str, note: Callable[[Change], None], *, task_status: TaskStatus[None]) -> None:
    """Note every such write until cancelled; started once Redis has begun to tell.

    Redis tells of each command as it runs it (MONITOR), and marks as `lua` what a script runs.
    """
    told = False
    while True:
        try:
            async with (
                Redis.from_url(redis_url, decode_responses=True) as client,
                client.monitor() as monitor,
            ):
                if not told:
                    told = True
                    task_status.started()
                while True:
                    command = await monitor.next_command()
                    if is_change(command):
                        words = str(command["command"]).split()
                        note(Change(wall=float(str(command["time"])), what=" ".join(words[:6])))
        except (RedisError, OSError):
            await anyio.sleep(0.05)  # Redis is down, perhaps as a fault: nothing can be written


def is_change(command: Mapping[str, object]) -> bool:
    """Whether a command, as MONITOR tells of it, changes counters or limits otherwise than by a check."""
    words = str(command["command"]).split()
    if not words:
        return False
    verb = words[0].upper()
    of_a_check = command["client_type"] == "lua" and verb in _CHECKING
    concerns = verb in _WHOLE or any(w.strip('"').startswith("ratelimit:") for w in words[1:])
    return verb in _WRITES and concerns and not of_a_check
