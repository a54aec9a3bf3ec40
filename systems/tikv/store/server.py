"""One TiKV node from its ports to its last answer."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic, time
from typing import TypeVar

from systems.tikv.consensus import Replication
from systems.tikv.flags import TikvFlags
from systems.tikv.http_client import HttpClient
from systems.tikv.http_server import HttpServer, Request, Response
from systems.tikv.log import log
from systems.tikv.store.disk import disk_stats
from systems.tikv.store.identity import Identity, identify
from systems.tikv.store.kv import KeyValueApi
from systems.tikv.store.metrics import Metrics
from systems.tikv.store.pd_client import NoPdError, PdClient, RefusedError, View
from systems.tikv.store.regions import Regions
from systems.tikv.store.status import StatusApi
from systems.tikv.timing import Timing
from systems.tikv.version import GIT_HASH, VERSION

# Seconds, unscaled, between two questions of a store that cannot start without the answer.
_SOON = 0.05

_Found = TypeVar("_Found")


class Store:
    """One node. `run` raises RefusedError when PD does not let it in."""

    def __init__(
        self, flags: TikvFlags, timing: Timing, listener: socket.socket, status_listener: socket.socket
    ) -> None:
        self._flags = flags
        self._timing = timing
        self._listener, self._status_listener = listener, status_listener
        self._started = int(time())
        self._leaving = False
        self._http = HttpClient()
        self._pd = PdClient(self._http, flags.pd, within=timing.request)
        self._replication = Replication(
            self._http, self._address, timing.regions, stopping=lambda: self._leaving
        )
        self._addresses: dict[int, str] = {}
        self._metrics = Metrics()
        self._joined: tuple[Identity, Regions] | None = None
        self._pd_answers = True

    async def run(self) -> None:
        """Join the cluster and serve until cancelled."""
        try:
            identity = await self._until_pd_answers(lambda: identify(self._flags.data_dir, self._pd))
            regions = Regions(identity.store_id, self._flags.data_dir, self._replication, self._timing)
            await self._register(identity, regions)
            self._joined = identity, regions
            self._kv = KeyValueApi(
                regions=regions,
                replication=self._replication,
                http=self._http,
                address=self._address,
                metrics=self._metrics,
                within=self._timing.regions.lease,
            )
            status = StatusApi(self._flags, self._timing, regions, self._metrics)
            async with (
                HttpServer(self._listener, self._answer),
                HttpServer(self._status_listener, status.answer),
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(self._replication.run())
                tasks.create_task(self._send_heartbeats(identity, regions))
                tasks.create_task(self._report_regions(identity, regions))
                log("INFO", "server.rs:1172", "TiKV is ready to serve", store_id=identity.store_id)
        finally:
            self._http.close()

    async def leave(self) -> None:
        """Evict leaders, so that no region is without one while the others notice."""
        log("INFO", "signal_handler.rs:28", "receive signal 15, stopping server...")
        self._leaving = True
        if not self._joined:
            return
        identity, regions = self._joined
        # PD first, or it would order leaders back here while they are on their way out.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.request):
                await self._tell_pd(identity, regions, None)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.eviction):
                await regions.evict()

    async def _register(self, identity: Identity, regions: Regions) -> None:
        store = {
            "id": identity.store_id,
            "address": self._flags.advertise_addr,
            "version": VERSION.removeprefix("v"),
            "peer_address": self._flags.advertise_addr,
            "status_address": self._flags.advertise_status_addr,
            "git_hash": GIT_HASH,
            "start_timestamp": self._started,
            "deploy_path": "/",
        }
        body = {"cluster_id": identity.cluster_id, "store": store}
        self._learn(await self._until_pd_answers(lambda: self._pd.ask("store", body)), regions)

    async def _until_pd_answers(self, ask: Callable[[], Awaitable[_Found]]) -> _Found:
        while True:
            try:
                return await ask()
            except NoPdError as error:
                self._complain(error)
                await asyncio.sleep(_SOON)

    async def _send_heartbeats(self, identity: Identity, regions: Regions) -> None:
        due = monotonic()
        while True:
            # The first one, too, comes an interval after the start: till then PD cannot call it Up.
            due = max(due + self._timing.store_heartbeat, monotonic())
            await asyncio.sleep(due - monotonic())
            stats = disk_stats(self._flags.data_dir, self._flags.capacity)
            await self._tell_pd(identity, regions, stats)

    async def _report_regions(self, identity: Identity, regions: Regions) -> None:
        reported = regions.leadership()
        while True:
            if not regions.known:
                # The cluster has too few stores yet; nothing else would tell when it has enough.
                await asyncio.sleep(_SOON)
                await self._tell_pd(identity, regions, None)
                continue
            now_led = regions.leadership()
            if now_led == reported:
                await self._replication.changed(within=self._timing.store_heartbeat)
            elif await self._tell_pd(identity, regions, None):
                reported = now_led
            else:
                await asyncio.sleep(self._timing.store_heartbeat / 10)

    async def _tell_pd(self, identity: Identity, regions: Regions, stats: dict[str, int] | None) -> bool:
        body = {
            "store_id": identity.store_id,
            "leaving": self._leaving,
            "stats": stats,
            "regions": regions.reports(),
        }
        try:
            view = await self._pd.ask("heartbeat", body)
        except (NoPdError, RefusedError) as error:
            self._complain(error)
            return False
        self._pd_answers = True
        self._learn(view, regions)
        if view["transfer"] and not self._leaving:
            await regions.hand_over(*view["transfer"])
        return True

    def _complain(self, error: Exception) -> None:
        if self._pd_answers:
            log("WARN", "util.rs:1043", "PD failed to respond", err=error)
        self._pd_answers = False

    def _learn(self, view: View, regions: Regions) -> None:
        self._addresses = {int(store): address for store, address in view["stores"].items()}
        self._pd.learn(view["members"])
        regions.place(view["regions"])

    def _address(self, store_id: int) -> str | None:
        address = self._addresses.get(store_id)
        return f"http://{address}" if address else None

    async def _answer(self, request: Request) -> Response:
        return (
            await self._replication.answer(request)
            or await self._kv.answer(request)
            or Response(404, b"not found\n", "text/plain; charset=utf-8")
        )
