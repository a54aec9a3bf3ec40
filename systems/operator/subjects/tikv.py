"""A TiKV cluster, seen through the HTTP API of its PD members.

`watch` is told one member by PD_ENDPOINT, learns the others from it, and goes on with them when that
one is gone. What they say goes into an `Observation`; what follows from it is decided by the pure
functions in `tikv_rules`. Paths and payloads are those of PD v8.5.7.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from systems.operator.invariants import Finding
from systems.operator.subjects.metrics import Latency, Prometheus
from systems.operator.subjects.ratelimiter_rules import Thresholds
from systems.operator.subjects.seeing import CannotObserveError, Reply, ask
from systems.operator.subjects.tikv_rules import Member, Observation, Rules, Store, measured

if TYPE_CHECKING:
    import httpx

VARIABLES = ("PD_ENDPOINT",)
CONTEXT = """\
A TiKV cluster: PD members pd0, pd1, pd2 keep its metadata and know the state of its stores; TiKV \
nodes tikv0, tikv1, tikv2 are its stores and hold the data in three copies. In the shell's environment \
PD_ENDPOINT is the URL of one PD member.
PD's API, JSON: GET $PD_ENDPOINT/pd/api/v1/stores (id, address, state_name, last_heartbeat), \
/pd/api/v1/store/{id}, /pd/api/v1/members, /pd/api/v1/health, /pd/api/v1/leader.
A store is called by its address there; `stackctl ps` names the nodes, and `stackctl inspect NODE` shows the \
command and so the address of each. Nodes are controlled with \
`stackctl logs|inspect|start|restart|stop NODE`, where stackctl is on the PATH; otherwise they are \
containers of the compose project $COMPOSE_PROJECT_NAME, each labelled com.docker.compose.service=NODE, and \
controlled with `docker ps|logs|inspect|start|restart|stop`."""

SILENCE_VARIABLE = "OPERATOR_PD_SILENCE_SECONDS"
_SILENCE_SECONDS = 30.0
# PD's default is a heartbeat every 10 s; three of them missing say that nothing comes any more.
LATENCY_VARIABLE = "OPERATOR_LATENCY_SECONDS"
_LATENCY_SECONDS = 60.0
_SECONDS = 0.9
_API = "/pd/api/v1"


@contextlib.asynccontextmanager
async def watch(environment: Mapping[str, str], thresholds: Thresholds) -> AsyncIterator["TikvWatch"]:
    """Observe the cluster that `environment` names, until left."""
    import httpx

    del thresholds  # they are about counters
    silence = float(environment.get(SILENCE_VARIABLE, _SILENCE_SECONDS))
    lasting = float(environment.get(LATENCY_VARIABLE, _LATENCY_SECONDS))
    rules = Rules(silence_seconds=silence, latency_seconds=lasting)
    async with httpx.AsyncClient(trust_env=False, timeout=None) as client:
        url = environment.get("PROMETHEUS_URL")
        prometheus = Prometheus(client, url, span=lasting) if url else None
        yield TikvWatch(environment["PD_ENDPOINT"].rstrip("/"), client, rules, prometheus)


def not_observed(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The invariants that nothing is known about in this environment, and why."""
    if environment.get("PROMETHEUS_URL"):
        return {}
    return {"high_latency": "it needs Prometheus, and PROMETHEUS_URL names none"}


class TikvWatch:
    """Looks at one cluster, check after check, and remembers the PD members it has met."""

    def __init__(
        self, url: str, client: "httpx.AsyncClient", rules: Rules, prometheus: Prometheus | None = None
    ) -> None:
        self._client = client
        self._rules = rules
        self._prometheus = prometheus
        self._urls = [url]
        self._names: list[str] = []

    async def check(self) -> Sequence[Finding]:
        """One look at everything. Raises `CannotObserveError`."""
        at = time.monotonic()
        try:
            seen = await self._observe()
        except CannotObserveError:
            self._rules.lost_sight()
            raise
        return self._rules.judge(seen, at=at)

    async def _observe(self) -> Observation:
        latency, answers = await asyncio.gather(
            self._latency(), asyncio.gather(*(self._look_through(url) for url in self._urls))
        )
        views = dict(zip(self._urls, answers, strict=True))
        healths = {url: view[0] for url, view in views.items() if view[0].kind == "answered"}
        if not healths:
            tried = "; ".join(health.why for health, _, _ in answers)
            raise CannotObserveError(f"no PD member answers ({tried})")
        through = _best(views)
        health, leader, stores = views[through]
        self._meet(health)
        known = {m["name"]: bool(m.get("health")) for m in _list(health.body)}
        return Observation(
            members=tuple(Member(name, known.get(name)) for name in self._names),
            leader=_leader(leader),
            no_leader=_trouble(leader, "/leader"),
            stores=_stores(stores),
            no_stores=_trouble(stores, "/stores"),
            latency=latency,
            seen_through=through,
        )

    async def _latency(self) -> Latency | None:
        return await self._prometheus.latency() if self._prometheus else None

    async def _look_through(self, url: str) -> tuple[Reply, Reply, Reply]:
        health, leader, stores = await asyncio.gather(
            *(
                ask(self._client, f"{url}{_API}{path}", seconds=_SECONDS)
                for path in ("/health", "/leader", "/stores")
            )
        )
        return health, leader, stores

    def _meet(self, health: Reply) -> None:
        for member in _list(health.body):
            if member["name"] not in self._names:
                self._names.append(member["name"])
                self._names.sort()
            for url in member.get("client_urls") or ():
                if url not in self._urls:
                    self._urls.append(url)


def _best(views: Mapping[str, tuple[Reply, Reply, Reply]]) -> str:
    """The member that tells the most; the first of equals."""

    def told(url: str) -> int:
        return sum(reply.kind == "answered" and reply.status == HTTPStatus.OK for reply in views[url])

    return max(views, key=told)


def _list(body: object) -> list[dict[str, Any]]:
    return (
        [each for each in body if isinstance(each, dict) and "name" in each] if isinstance(body, list) else []
    )


def _leader(reply: Reply) -> str | None:
    if reply.kind == "answered" and reply.status == HTTPStatus.OK and isinstance(reply.body, dict):
        name = reply.body.get("name")
        return str(name) if name else None
    return None


def _stores(reply: Reply) -> tuple[Store, ...] | None:
    if reply.kind != "answered" or reply.status != HTTPStatus.OK or not isinstance(reply.body, dict):
        return None
    try:
        return tuple(_store(each) for each in reply.body.get("stores") or ())
    except (KeyError, TypeError, ValueError):
        return None


def _store(entry: dict[str, Any]) -> Store:
    store, status = entry["store"], entry.get("status") or {}
    return Store(
        id=int(store["id"]),
        address=str(store["address"]),
        state=str(store["state_name"]),
        last_heartbeat=int(store.get("last_heartbeat", 0)),
        capacity=measured(status, "capacity"),
        available=measured(status, "available"),
    )


def _trouble(reply: Reply, path: str) -> str:
    if reply.kind != "answered":
        return reply.why
    if reply.status != HTTPStatus.OK:
        return f"{path} answered {reply.status}: {reply.body}"
    return f"{path} cannot be understood"
