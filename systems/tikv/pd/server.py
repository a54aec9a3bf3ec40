"""One PD member from its ports to its last answer."""

import asyncio
import json
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from time import monotonic, time

from systems.tikv.consensus import Journal, NotLeaderError, Replica, Replication
from systems.tikv.flags import PdFlags
from systems.tikv.http_client import HttpClient
from systems.tikv.http_server import HttpServer, Request, Response
from systems.tikv.log import log
from systems.tikv.pd import stores_api
from systems.tikv.pd.api import Api
from systems.tikv.pd.cluster import Cluster
from systems.tikv.pd.errors import NOT_FOUND, PdError
from systems.tikv.pd.forwarding import Redirector
from systems.tikv.pd.members import Members, member_id
from systems.tikv.pd.metrics import Metrics
from systems.tikv.timing import Timing

# Seconds, unscaled, in which a leader told to leave may hand over.
_GRACE = 0.5


class Pd:
    """One member. Raises ValueError when the data directory belongs to another one."""

    def __init__(
        self, flags: PdFlags, timing: Timing, clients: Sequence[socket.socket], peers: Sequence[socket.socket]
    ) -> None:
        me = member_id(flags.advertise_peer_urls)
        _claim(flags, me)
        self._flags = flags
        self._clients, self._peers = clients, peers
        self._leaving = False
        self._http = HttpClient()
        self._replication = Replication(
            self._http, self._peer_url, timing.members, stopping=lambda: self._leaving
        )
        self._replica = Replica(
            group=0,
            me=me,
            voters=[member_id(urls) for urls in flags.initial_cluster.values()],
            journal=Journal(flags.data_dir / "member" / "journal"),
            pace=timing.members,
            eager=True,
            now=monotonic(),
        )
        self._replication.add(self._replica)
        self._cluster = Cluster(self._replica, self._replication, timing)
        self._members = Members(flags, self._cluster, self._replica, self._replication, self._http)
        redirector = Redirector(self._members, self._replication, self._http, wait=timing.no_leader_wait)
        self._api = Api(
            cluster=self._cluster,
            members=self._members,
            redirector=redirector,
            metrics=Metrics(self._cluster, timing),
            timing=timing,
            started=int(time()),
        )
        self._stores_api = stores_api.StoresApi(self._cluster, self._members)

    async def run(self) -> None:
        """Take part in the cluster until cancelled."""
        async with AsyncExitStack() as stack:
            for listener in self._peers:
                await stack.enter_async_context(HttpServer(listener, self._answer_member))
            for listener in self._clients:
                await stack.enter_async_context(HttpServer(listener, self._answer_client))
            stack.callback(self._http.close)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._replication.run())
                tasks.create_task(self._members.stay_known())
                tasks.create_task(self._log_leaders())
                log("INFO", "server.go:490", "server is ready to serve", name=self._flags.name)

    async def leave(self) -> None:
        """Hand leadership over, as etcd does when it stops."""
        log("INFO", "main.go:247", "Got signal to exit", name=self._flags.name)
        self._leaving = True
        with suppress(NotLeaderError, PdError, TimeoutError):
            async with asyncio.timeout(_GRACE):
                await self._members.transfer(None)

    def _peer_url(self, member: int) -> str:
        return self._members.peer_urls[member][0]

    async def _answer_client(self, request: Request) -> Response:
        if request.path.startswith(stores_api.PREFIX):
            return await self._stores_api.answer(request)
        return await self._api.answer(request)

    async def _answer_member(self, request: Request) -> Response:
        if request.path == "/member":
            with suppress(NotLeaderError):
                await self._cluster.put_member(request.json())
            return Response()
        return await self._replication.answer(request) or NOT_FOUND

    async def _log_leaders(self) -> None:
        known: tuple[int | None, int] = (None, 0)
        while True:
            leader = self._members.leader()
            seen = (leader["member_id"] if leader else None, self._replica.term)
            if seen[0] and seen != known:
                known = seen
                if self._members.leads():
                    with suppress(NotLeaderError):
                        await self._cluster.make_cluster_id()
                    log("INFO", "server.go:1810", "PD leader is ready to serve", leader_name=self._flags.name)
                else:
                    assert leader
                    log("INFO", "server.go:1664", "start to watch pd leader", pd_leader=leader["name"])
            await self._replication.changed()


def _claim(flags: PdFlags, me: int) -> None:
    path = flags.data_dir / "member" / "identity.json"
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps({"member_id": me, "name": flags.name}))
        beside.replace(path)
        return
    if kept["member_id"] != me:
        raise ValueError(
            f"{flags.data_dir} belongs to the member {kept['name']} with id {kept['member_id']}, "
            f"not to {flags.name} with id {me}; give another --data-dir"
        )
