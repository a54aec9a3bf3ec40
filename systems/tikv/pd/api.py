"""PD's HTTP API on the client port: which path is answered by whom, and with what."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from systems.tikv.consensus import NotLeaderError
from systems.tikv.http_server import Handler, Request, Response, unquoted
from systems.tikv.pd.cluster import Cluster
from systems.tikv.pd.errors import NO_LEADER, NOT_ALLOWED, NOT_FOUND, PdError
from systems.tikv.pd.formats import compact, indented
from systems.tikv.pd.forwarding import Redirector
from systems.tikv.pd.members import Member, Members
from systems.tikv.pd.metrics import CONTENT_TYPE, Metrics
from systems.tikv.pd.regions import checked, region_info
from systems.tikv.pd.stores import TOMBSTONE, UP
from systems.tikv.timing import Timing
from systems.tikv.version import BUILD_TS, GIT_HASH, VERSION

_V1 = "/pd/api/v1"
_Endpoint = Callable[..., Awaitable[Response]]


class Api:
    """Answers clients of one member. `started` is in seconds since 1970."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        members: Members,
        redirector: Redirector,
        metrics: Metrics,
        timing: Timing,
        started: int,
    ) -> None:
        self._cluster = cluster
        self._members = members
        self._redirector = redirector
        self._metrics = metrics
        self._timing = timing
        self._started = started
        # Those of the first list any member answers itself.
        self._own = _routes(
            ("GET", "/metrics", self._scrape),
            ("GET", "/health", self._etcd_health),
            ("GET", "/pd/api/v2/ready", self._ready),
            ("GET", f"{_V1}/status", self._status),
            ("GET", f"{_V1}/health", self._health),
            ("GET", f"{_V1}/ping", self._ping),
            ("GET", f"{_V1}/version", self._version),
            ("GET", f"{_V1}/config", self._get_config),
        )
        self._leaders = _routes(
            ("GET", f"{_V1}/config/schedule", self._get_section("schedule")),
            ("GET", f"{_V1}/config/replicate", self._get_section("replication")),
            ("POST", f"{_V1}/config", self._post_config),
            ("GET", f"{_V1}/members", self._get_members),
            ("GET", f"{_V1}/leader", self._get_leader),
            ("POST", f"{_V1}/leader/resign", self._resign),
            ("POST", f"{_V1}/leader/transfer/([^/]+)", self._transfer),
            ("GET", f"{_V1}/stores", self._get_stores),
            ("GET", f"{_V1}/store/([^/]+)", self._get_store),
            ("DELETE", f"{_V1}/store/([^/]+)", self._delete_store),
            ("POST", f"{_V1}/store/([^/]+)/state", self._post_store_state),
            ("GET", f"{_V1}/regions", self._get_regions),
            ("GET", f"{_V1}/regions/count", self._count_regions),
            ("GET", f"{_V1}/regions/check/([a-z-]+)", self._check_regions),
            ("GET", f"{_V1}/region/id/([^/]+)", self._get_region),
        )

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        if found := _found(self._own, request):
            return await found(request)
        if found := _found(self._leaders, request):
            return await self._redirector.handle(request, self._guarded(found))
        known = any(pattern.fullmatch(request.path) for _, pattern, _ in [*self._own, *self._leaders])
        return NOT_ALLOWED if known else NOT_FOUND

    def _guarded(self, endpoint: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except PdError as error:
                return error.response()
            except NotLeaderError:
                return NO_LEADER

        return answer

    # What any member answers itself

    async def _scrape(self, request: Request) -> Response:
        text = self._metrics.exposition(leads=self._members.leads())
        return Response(200, text.encode(), CONTENT_TYPE)

    async def _etcd_health(self, request: Request) -> Response:
        if self._members.leader():
            return Response(200, b'{"health":"true","reason":""}', "application/json")
        return Response(503, b'{"health":"false","reason":"RAFT NO LEADER"}', "application/json")

    async def _ready(self, request: Request) -> Response:
        return Response() if "verbose" not in request.query else indented({"region_loaded": True})

    async def _status(self, request: Request) -> Response:
        return indented(
            {
                "build_ts": BUILD_TS,
                "version": VERSION,
                "git_hash": GIT_HASH,
                "start_timestamp": self._started,
                "stand_in": {"time_scale": self._timing.scale},
            }
        )

    async def _health(self, request: Request) -> Response:
        return indented(await self._members.health(within=self._timing.ping))

    async def _ping(self, request: Request) -> Response:
        return Response()

    async def _version(self, request: Request) -> Response:
        return indented({"version": VERSION})

    async def _get_config(self, request: Request) -> Response:
        mine = self._members.myself
        own = {
            "client-urls": ",".join(mine["client_urls"]),
            "peer-urls": ",".join(mine["peer_urls"]),
            "advertise-client-urls": ",".join(mine["client_urls"]),
            "advertise-peer-urls": ",".join(mine["peer_urls"]),
            "name": mine["name"],
        }
        return indented(own | self._cluster.config() | {"cluster-version": VERSION.removeprefix("v")})

    # What the leader answers

    def _get_section(self, name: str) -> Handler:
        async def answer(request: Request) -> Response:
            await self._cluster.settled()
            return indented(self._cluster.config()[name])

        return answer

    async def _post_config(self, request: Request) -> Response:
        try:
            update = request.json()
        except ValueError as error:
            return indented(str(error), 400)
        await self._cluster.update_config(update)
        return indented("The config is updated.")

    async def _get_members(self, request: Request) -> Response:
        leader = self._members.leader()
        found: dict[str, Any] = {"header": {"cluster_id": self._cluster.cluster_id()}}
        found["members"] = self._members.all()
        return indented(found | ({"leader": _short(leader), "etcd_leader": leader} if leader else {}))

    async def _get_leader(self, request: Request) -> Response:
        leader = self._members.leader()
        return indented(_short(leader)) if leader else NO_LEADER

    async def _resign(self, request: Request) -> Response:
        await self._members.transfer(None)
        return indented("The resign command is submitted.")

    async def _transfer(self, request: Request, name: str) -> Response:
        await self._members.transfer(name)
        return indented("The transfer command is submitted.")

    async def _get_stores(self, request: Request) -> Response:
        await self._bootstrapped()
        states = {_id(text) for text in request.query.get("state", [])}
        stores = [
            self._cluster.describe(meta)
            for meta in self._cluster.stores()
            if (meta.get("state", UP) in states if states else meta.get("state", UP) != TOMBSTONE)
        ]
        return indented({"count": len(stores), "stores": stores})

    async def _get_store(self, request: Request, text: str) -> Response:
        await self._bootstrapped()
        return indented(self._cluster.describe(self._cluster.store(_id(text))))

    async def _delete_store(self, request: Request, text: str) -> Response:
        await self._bootstrapped()
        await self._cluster.remove_store(_id(text), destroyed="force" in request.query)
        return indented("The store is set as Offline.")

    async def _post_store_state(self, request: Request, text: str) -> Response:
        await self._bootstrapped()
        store_id, state = _id(text), request.query.get("state", [""])[0]
        if state.lower() == "up":
            await self._cluster.up_store(store_id)
        elif state.lower() == "offline":
            await self._cluster.remove_store(store_id, destroyed=False)
        else:
            raise PdError(f"invalid state {state}", 400)
        return indented("The store's state is updated.")

    async def _get_regions(self, request: Request) -> Response:
        await self._bootstrapped()
        return self._regions(self._cluster.regions())

    async def _count_regions(self, request: Request) -> Response:
        await self._bootstrapped()
        return compact({"count": len(self._cluster.regions()), "regions": None})

    async def _check_regions(self, request: Request, check: str) -> Response:
        await self._bootstrapped()
        states = {meta["id"]: meta.get("state", UP) for meta in self._cluster.stores()}
        reports, replicas = self._cluster.reports(), self._cluster.max_replicas()
        try:
            return self._regions(checked(check, self._cluster.regions(), reports, states, replicas))
        except KeyError:
            return NOT_FOUND

    async def _get_region(self, request: Request, text: str) -> Response:
        await self._bootstrapped()
        wanted = _id(text)
        for region in self._cluster.regions():
            if region["id"] == wanted:
                return compact(region_info(region, self._cluster.reports().get(wanted)))
        return compact(None)

    def _regions(self, regions: list[dict[str, Any]]) -> Response:
        reports = self._cluster.reports()
        infos = [region_info(region, reports.get(region["id"])) for region in regions]
        return compact({"count": len(infos), "regions": infos})

    async def _bootstrapped(self) -> None:
        self._cluster.bootstrapped()
        await self._cluster.settled()


_Route = tuple[str, "re.Pattern[str]", _Endpoint]


def _routes(*routes: tuple[str, str, _Endpoint]) -> list[_Route]:
    return [(method, re.compile(pattern), endpoint) for method, pattern, endpoint in routes]


def _found(routes: list[_Route], request: Request) -> Handler | None:
    method = "GET" if request.method == "HEAD" else request.method
    for wanted, pattern, endpoint in routes:
        if wanted == method and (match := pattern.fullmatch(request.path)):
            try:
                segments = [unquoted(segment) for segment in match.groups()]
            except ValueError:
                return None
            return lambda request: endpoint(request, *segments)
    return None


def _short(leader: Member) -> Member:
    """The leader as it signed itself in when it was elected."""
    return {name: leader[name] for name in ("name", "member_id", "peer_urls", "client_urls")}


def _id(text: str) -> int:
    if not re.fullmatch(r"\d{1,20}", text, re.ASCII):
        raise PdError(f'strconv.ParseUint: parsing "{text}": invalid syntax', 400)
    return int(text)
