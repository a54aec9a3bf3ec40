"""A stack that somebody else has started, joined by its control socket and left as it was found."""

import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from redis.asyncio import Redis

from support.stacks.ratelimiter import RateLimiterStack
from support.stacks.stack import Change, Node, Stack
from support.verdict import BrokenBed

_ANSWERS_WITHIN = 60.0
_KEYS = "ratelimit:*"


def ask(control: Path, *arguments: str) -> str:
    """What a stack answers at its control socket. Raises BrokenBed when it does not, or refuses."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWERS_WITHIN)
            connection.connect(str(control))
            connection.sendall(json.dumps(arguments).encode() + b"\n")
            reply = json.loads(b"".join(iter(lambda: connection.recv(65536), b"")))
    except (OSError, ValueError) as error:
        raise BrokenBed(f"no stack answers at {control} any more: {error}") from error
    if reply["status"]:
        raise BrokenBed(f"the stack at {control} refused: {reply['err'].strip()}")
    return str(reply["out"])


def subject_at(control: Path) -> str:
    """The subject of the stack whose control socket this is. Raises BrokenBed when none answers."""
    return str(json.loads(ask(control, "suite", "endpoints"))["subject"])


class WitnessedByItsOwner(Stack):
    """The changes are those that the stack's owner has witnessed since they were forgotten here."""

    _control: Path | None
    _since = 0.0

    @property
    def changes(self) -> tuple[Change, ...]:
        """Raises BrokenBed when the owner does not answer."""
        assert self._control is not None
        told = json.loads(ask(self._control, "suite", "changes"))
        return tuple(Change(wall=wall, what=what) for wall, what in told if wall > self._since)

    def forget_changes(self) -> None:
        self._since = time.time()


class JoinedNode:
    """A node of somebody else's stack: started and stopped by them, killed and paused by its pid."""

    def __init__(self, control: Path, name: str) -> None:
        self._ask = partial(ask, control)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def state(self) -> str:
        return str(self.inspect()["state"])

    @property
    def incarnation(self) -> str:
        return f"pid {self.inspect()['pid']}"

    async def start(self) -> None:
        await anyio.to_thread.run_sync(self._ask, "suite", "start", self._name)

    async def stop(self) -> None:
        await anyio.to_thread.run_sync(self._ask, "suite", "stop", self._name)

    async def kill(self) -> None:
        self._signal(signal.SIGKILL)
        while self.inspect()["pid"] is not None:  # noqa: ASYNC110 - it is not our child
            await anyio.sleep(0.01)

    async def pause(self) -> None:
        self._signal(signal.SIGSTOP)
        while self.state == "running":  # noqa: ASYNC110 - it is not our child
            await anyio.sleep(0.005)

    async def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def logs(self, lines: int) -> list[str]:
        return self._ask("logs", self._name, str(lines)).splitlines()

    def inspect(self) -> Mapping[str, object]:
        answer: Mapping[str, object] = json.loads(self._ask("inspect", self._name))
        return answer

    def _signal(self, number: signal.Signals) -> None:
        pid = self.inspect()["pid"]
        if not isinstance(pid, int):
            raise BrokenBed(f"node {self._name} does not run, so it cannot be sent {number.name}")
        os.kill(pid, number)


class _Joined(WitnessedByItsOwner, RateLimiterStack):
    """A rate limiter of somebody else's."""


@asynccontextmanager
async def joined_ratelimiter(control: Path) -> AsyncIterator[RateLimiterStack]:
    """Use the rate limiter stack whose control socket this is.

    At the end its nodes run and its counters and limits are what they were. Raises BrokenBed, with
    nothing changed, when it is not in its steady state or another run has joined it.
    """
    stack = _stack_at(control)
    with alone(control.parent, str(control)):
        async with stack, as_found(stack, str(control)):
            yield stack


@asynccontextmanager
async def as_found(stack: RateLimiterStack, name: str) -> AsyncIterator[None]:
    """At the end the stack's nodes run, and its counters and limits are what they were.

    Raises BrokenBed, with nothing changed, when it is not in its steady state.
    """
    async with Redis.from_url(stack.redis_url) as redis:
        if problems := await stack.problems():
            raise BrokenBed(f"the stack at {name} is not in its steady state: {'; '.join(problems)}")
        kept = [
            (name, await redis.dump(name), await redis.pttl(name))
            async for name in redis.scan_iter(match=_KEYS, count=1000)
        ]
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await _give_back(stack, redis, kept)


async def tidy_ratelimiter(control: Path, *keys: str, within: float) -> None:
    """Bring a stack that runs already into its steady state, whatever somebody who joined it has left.

    Its nodes are started and the counters and limits of these keys are cleared. Raises NotSteady after
    `within` seconds without that state, BrokenBed when another run has joined it.
    """
    stack = _stack_at(control)
    with alone(control.parent, str(control)):
        async with stack:
            await wake(stack.nodes.values())
            for key in keys:
                await stack.clear(key)
                await stack.redis.delete(f"ratelimit:limit:{key}")
            await stack.steady(within=within)


async def wake(nodes: Iterable[Node]) -> None:
    """Let all nodes run: those that were paused, by whomever, and those that were ended."""
    for node in nodes:
        if node.state == "running":
            await node.resume()
        await node.start()  # one that runs is left alone


def _stack_at(control: Path) -> RateLimiterStack:
    known: Mapping[str, Any] = json.loads(ask(control, "suite", "endpoints"))
    return _Joined(
        {name: JoinedNode(control, name) for name in known["nodes"]},
        addresses=known["addresses"],
        redis_url=known["redis_url"],
        control=control,
    )


async def _give_back(
    stack: RateLimiterStack, redis: Redis, kept: list[tuple[bytes, bytes | None, int]]
) -> None:
    await redis.connection_pool.disconnect()  # it may be another Redis by now
    for node in stack.nodes.values():
        if node.state == "paused":
            await node.resume()
        await node.start()  # one that runs is left alone
    async for name in redis.scan_iter(match=_KEYS, count=1000):
        await redis.delete(name)
    for name, value, milliseconds in kept:
        if value is not None:
            await redis.restore(name, max(milliseconds, 0), value, replace=True)


@contextmanager
def alone(place: Path, name: str) -> Iterator[None]:
    """Keep other runs from joining the stack called `name`, whose directory is `place`, meanwhile."""
    directory = os.open(place, os.O_RDONLY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BrokenBed(f"another run has joined the stack at {name}; wait for its end") from None
        yield
    finally:
        os.close(directory)
