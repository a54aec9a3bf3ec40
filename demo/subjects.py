"""What can be shown: for each subject its stack, its fault, its traffic and the words about them."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import httpx

from support.faults.fault import Fault
from support.faults.redis_data import OverLimit
from support.faults.store import StoreKilled
from support.stacks.joined import joined_ratelimiter, tidy_ratelimiter
from support.stacks.joined_tikv import joined_tikv, tidy_tikv
from support.stacks.process import ratelimiter_on_processes
from support.stacks.stack import NotSteady, Stack
from support.stacks.tikv_on_processes import tikv_on_processes
from support.stacks.tikv_programs import stand_ins
from support.supervisor import Supervisor
from support.workload import ratelimiter, tikv

if TYPE_CHECKING:
    from support.stacks.ratelimiter import RateLimiterStack
    from support.stacks.tikv import TikvStack

__all__ = ["STEADY_WITHIN", "SUBJECTS", "Part", "Subject", "Successes"]

Successes = Callable[[], int]
"""How many requests have succeeded so far."""

STEADY_WITHIN = 30.0
"""Seconds that a stack has to reach its steady state."""

_KEYS = ("checkout", "catalogue")
_LIMIT, _OVER = 10_000, 400
_RATE = 24.0
"""Requests per second: so few that they never come to a limit within its ten minutes."""
_STORE = "tikv1"


@dataclass(frozen=True)
class Part:
    """A part of the system as it is seen: a node, or what else can be violated."""

    name: str
    state: str
    good: bool


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One kind of system, as the demo shows it."""

    name: str
    words: Mapping[str, str]
    """What the chapters name."""
    start: Callable[[Path, Supervisor], AbstractAsyncContextManager[Stack]]
    """Starts a stack of its own in a directory of its own; its processes are left to the supervisor."""
    join: Callable[[Path], AbstractAsyncContextManager[Stack]]
    """Joins a stack that runs already, by its control socket, and tidies up first."""
    prepare: Callable[[Stack], Awaitable[None]]
    """Sets what must be there before there is traffic."""
    fault: Callable[[Stack], Fault]
    workload: Callable[[Stack], AbstractAsyncContextManager[Successes]]
    look: Callable[[Stack], Awaitable[Sequence[Part]]]
    """What the system itself shows of its nodes; nothing when it does not answer."""


@asynccontextmanager
async def _start_ratelimiter(directory: Path, supervisor: Supervisor) -> AsyncIterator[Stack]:
    async with ratelimiter_on_processes(
        directory=directory, supervisor=supervisor, environ=os.environ
    ) as stack:
        await stack.steady(within=STEADY_WITHIN)
        await stack.reset()
        yield stack


@asynccontextmanager
async def _join_ratelimiter(control: Path) -> AsyncIterator[Stack]:
    await tidy_ratelimiter(control, *_KEYS, within=STEADY_WITHIN)
    async with joined_ratelimiter(control) as stack:
        yield stack


async def _prepare_ratelimiter(stack: Stack) -> None:
    for key in _KEYS:
        await cast("RateLimiterStack", stack).set_limit(key, _LIMIT)


def _over_limit(stack: Stack) -> Fault:
    return OverLimit(cast("RateLimiterStack", stack), key=_KEYS[0], limit=_LIMIT, by=_OVER)


@asynccontextmanager
async def _ratelimiter_traffic(stack: Stack) -> AsyncIterator[Successes]:
    urls = cast("RateLimiterStack", stack).urls
    async with ratelimiter.Traffic(urls, _KEYS, rate=_RATE) as traffic:
        yield _Count(traffic.tally.answers, lambda answer: answer.allowed is True)


async def _look_at_ratelimiter(stack: Stack) -> Sequence[Part]:
    limiter = cast("RateLimiterStack", stack)
    with suppress(NotSteady, httpx.HTTPError):
        nodes = [Part(name, state, state == "Up") for name, state in (await limiter.node_states()).items()]
        healthy = not await limiter.without_redis()
        redis = Part("redis", "Up" if healthy else "lost", healthy)
        counters = [
            Part(counter.key, str(counter.count), good=True)
            if counter.count <= counter.limit
            else Part(counter.key, f"{counter.count} > {counter.limit}", good=False)
            for counter in (await limiter.counters()).values()
            if counter.key in _KEYS
        ]
        return [redis, *nodes, *counters]
    return []


@asynccontextmanager
async def _start_tikv(directory: Path, supervisor: Supervisor) -> AsyncIterator[Stack]:
    async with tikv_on_processes(stand_ins(), directory=directory, supervisor=supervisor) as stack:
        await stack.steady(within=STEADY_WITHIN)
        yield stack


@asynccontextmanager
async def _join_tikv(control: Path) -> AsyncIterator[Stack]:
    await tidy_tikv(control, within=STEADY_WITHIN)
    async with joined_tikv(control) as stack:
        yield stack


async def _prepare_tikv(_: Stack) -> None:
    return


def _store_killed(stack: Stack) -> Fault:
    return StoreKilled(cast("TikvStack", stack), store=_STORE)


@asynccontextmanager
async def _tikv_traffic(stack: Stack) -> AsyncIterator[Successes]:
    async with tikv.Traffic(cast("TikvStack", stack), name="demo") as traffic:
        yield _Count(traffic.answers, lambda answer: answer.good)


async def _look_at_tikv(stack: Stack) -> Sequence[Part]:
    cluster = cast("TikvStack", stack)
    with suppress(httpx.HTTPError, KeyError, ValueError):
        leader = await cluster.pd.leader()
        members = [
            Part(each["name"], _member(each["health"], leads=each["name"] == leader), bool(each["health"]))
            for each in await cluster.pd.get("/health")
        ]
        stores = [
            Part(name, store.state_name, store.state_name == "Up")
            for name, store in (await cluster.pd.stores()).items()
        ]
        return sorted(members, key=_name) + sorted(stores, key=_name)
    return []


def _member(healthy: bool, *, leads: bool) -> str:
    if not healthy:
        return "unhealthy"
    return "Up, leads" if leads else "Up"


def _name(part: Part) -> str:
    return part.name


class _Count:
    """Counts the good ones among answers as they are added, each once."""

    def __init__(self, answers: list[Any], good: Callable[[Any], bool]) -> None:
        self._answers = answers
        self._good = good
        self._seen = self._count = 0

    def __call__(self) -> int:
        new = self._answers[self._seen :]
        self._seen += len(new)
        self._count += sum(map(self._good, new))
        return self._count


SUBJECTS: Mapping[str, Subject] = MappingProxyType(
    {
        "ratelimiter": Subject(
            name="ratelimiter",
            words={
                "system": "a rate limiter: three nodes and Redis",
                "nodes": "Redis and three rate limiter nodes",
                "traffic": "Customers come to the shop. Each request is allowed by the rate limiter.",
                "fault": f"Counter {_KEYS[0]} is pushed over its limit: customers are refused",
                "recovered": "The counter is within its limit, and customers are served again.",
            },
            start=_start_ratelimiter,
            join=_join_ratelimiter,
            prepare=_prepare_ratelimiter,
            fault=_over_limit,
            workload=_ratelimiter_traffic,
            look=_look_at_ratelimiter,
        ),
        "tikv": Subject(
            name="tikv",
            words={
                "system": "a TiKV cluster: three PD members and three stores",
                "nodes": "Three PD members and three stores",
                "traffic": "Clients read and write. Every value is kept in three copies.",
                "fault": f"Store {_STORE} is killed",
                "recovered": "Every store is Up, and the traffic is back at its level.",
            },
            start=_start_tikv,
            join=_join_tikv,
            prepare=_prepare_tikv,
            fault=_store_killed,
            workload=_tikv_traffic,
            look=_look_at_tikv,
        ),
    }
)
