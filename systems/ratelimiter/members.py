"""Which nodes there are: registering this one, its heartbeat, and the list of all, Up or Down.

A node is Up while its hash in Redis has not expired. It is remembered beside that hash as well, in
`ratelimiter:members`, so that a node whose heartbeat stopped is seen as Down and does not vanish.
"""

import asyncio
import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from systems.ratelimiter.redis_link import RedisLink, RedisUnreachableError

_NODES = "ratelimiter:nodes:"
_MEMBERS = "ratelimiter:members"

# A node that was started again under the same id must not be taken off by the one that leaves.
_LEAVE = """
if redis.call('HGET', KEYS[1], 'registered_at') == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

# Seconds. Without Redis the time to live runs out by itself, and nobody need wait for it.
_LEAVE_DEADLINE = 0.2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Member:
    """A node as it is remembered; times are ISO 8601 by that node's clock."""

    address: str | None
    registered_at: str | None
    last_heartbeat: str | None


@dataclass(frozen=True)
class Node:
    """A node as others see it."""

    id: str
    address: str | None
    state: Literal["Up", "Down"]
    registered_at: str | None
    last_heartbeat: str | None


class Membership:
    """This node's place among the members; `heartbeat` and `ttl` are in seconds."""

    def __init__(self, link: RedisLink, *, node_id: str, address: str, heartbeat: float, ttl: float) -> None:
        self._link = link
        self._id = node_id
        self._address = address
        self._heartbeat = heartbeat
        self._ttl_ms = int(ttl * 1000)
        self._registered_at = _now()
        self._remembered: dict[str, str] = {}

    async def register(self) -> None:
        """Say that this node is Up, for the time to live; raises RedisUnreachableError.

        What this node remembers of the others is put back when Redis has lost it: none vanishes.
        """
        member = Member(self._address, self._registered_at, _now())
        name = _NODES + self._id
        async with self._link.question() as redis, redis.pipeline(transaction=True) as pipe:
            pipe.hset(name, mapping={"address": self._address, "registered_at": self._registered_at})
            pipe.pexpire(name, self._ttl_ms)
            pipe.hset(_MEMBERS, self._id, json.dumps(asdict(member)))
            for node_id, text in self._remembered.items():
                if node_id != self._id:
                    pipe.hsetnx(_MEMBERS, node_id, text)
            pipe.hgetall(_MEMBERS)
            *_, members = await pipe.execute()
        self._remembered |= members

    async def keep_registered(self) -> None:
        """Renew the registration at every heartbeat until cancelled; says when Redis is lost."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        lost = False
        while True:
            # A node that was paused does not catch up on the heartbeats it missed.
            due = max(due + self._heartbeat, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                await self.register()
            except RedisUnreachableError as error:
                if not lost:
                    _log.warning("Redis unreachable: %s; refusing every request", error)
                lost = True
            else:
                if lost:
                    _log.warning("Redis is back; registered again")
                lost = False

    async def leave(self) -> None:
        """Be Down from now on; raises RedisUnreachableError."""
        async with self._link.question(within=_LEAVE_DEADLINE) as redis:
            await redis.eval(_LEAVE, 1, _NODES + self._id, self._registered_at)

    async def nodes(self) -> list[Node]:
        """Every node known to Redis or to this one, by id; raises RedisUnreachableError."""
        async with self._link.question() as redis:
            found = await redis.hgetall(_MEMBERS)
            self._remembered |= {str(node_id): str(text) for node_id, text in found.items()}
            names = [name async for name in redis.scan_iter(match=_NODES + "*", count=1000)]
            ids = sorted(self._remembered.keys() | {name.removeprefix(_NODES) for name in names})
            async with redis.pipeline(transaction=False) as pipe:
                for node_id in ids:
                    pipe.hgetall(_NODES + node_id)
                hashes = await pipe.execute(raise_on_error=False)
        return [
            _node(node_id, _member(self._remembered.get(node_id)), fields)
            for node_id, fields in zip(ids, hashes, strict=True)
        ]


def _node(node_id: str, member: Member, reply: object) -> Node:
    # An error for a reply means that the key holds something else: no node wrote it.
    registration = reply if isinstance(reply, dict) else {}
    return Node(
        id=node_id,
        address=registration.get("address", member.address),
        state="Up" if registration else "Down",
        registered_at=registration.get("registered_at", member.registered_at),
        last_heartbeat=member.last_heartbeat,
    )


def _member(text: str | None) -> Member:
    try:
        fields = json.loads(text or "{}")
        return Member(*(fields.get(name) for name in Member.__match_args__))
    except (ValueError, AttributeError):
        return Member(None, None, None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
