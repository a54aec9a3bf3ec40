"""The key-value API: `PUT`, `GET` and `DELETE` of `/kv/{key}` on any store.

A store that does not lead the key's region passes the request to the one that does. A write is
answered with 204 when a majority of the region's stores has it on disk; a 503 says that it may or
may not be kept. A read is served by the leader alone, while it is certain to be the only one.
"""

import re
from collections.abc import Callable
from time import monotonic, perf_counter
from typing import Any

from systems.tikv.consensus import NotLeaderError, Replica, Replication
from systems.tikv.http_client import HttpClient, UnreachableError
from systems.tikv.http_server import Request, Response, unquoted
from systems.tikv.store.metrics import Metrics
from systems.tikv.store.regions import Regions

MAX_VALUE = 64 * 1024
"""Bytes of a value, so that many fit into one message between stores."""

_PREFIX = "/kv/"
_PASSED_ON = "stand-in-passed-on"
_KINDS = {"GET": "raw_get", "HEAD": "raw_get", "PUT": "raw_put", "DELETE": "raw_delete"}


class KeyValueApi:
    """Answers on behalf of one store; `address` gives the URL of another one."""

    def __init__(
        self,
        *,
        regions: Regions,
        replication: Replication,
        http: HttpClient,
        address: Callable[[int], str | None],
        metrics: Metrics,
        within: float,
    ) -> None:
        self._regions = regions
        self._replication = replication
        self._http = http
        self._address = address
        self._metrics = metrics
        self._within = within

    async def answer(self, request: Request) -> Response | None:
        """Answer one request; None when it is not for this API."""
        match = re.fullmatch(rf"{_PREFIX}([^/]+)", request.path)
        if not match:
            return None
        if request.method not in _KINDS:
            return Response(405, headers={"Allow": ", ".join(_KINDS)})
        if len(request.body) > MAX_VALUE:
            return _text(f"a value has at most {MAX_VALUE} bytes, this one has {len(request.body)}", 413)
        try:
            key = unquoted(match[1])
        except ValueError:
            return _text("a key must be UTF-8", 400)
        found = self._regions.of_key(key)
        if not found:
            return _text("there are no regions yet: PD makes them when enough stores have registered", 503)
        region, replica = found
        if replica and replica.serves(monotonic()):
            return await self._serve(request, key, replica)
        return await self._pass_on(request, region, replica)

    async def _serve(self, request: Request, key: str, replica: Replica) -> Response:
        began = perf_counter()
        try:
            if request.method in ("GET", "HEAD"):
                await self._replication.settled(replica)
                value = replica.journal.pairs.get(key)
                response = _missing(key) if value is None else _found(value)
            else:
                value = request.body.decode("latin-1") if request.method == "PUT" else None
                await self._replication.propose(replica, {key: value})
                response = Response(204)
        except NotLeaderError:
            return _text(
                f"region {replica.group} lost its leader meanwhile; a write may or may not be kept", 503
            )
        self._metrics.took(_KINDS[request.method], perf_counter() - began)
        return response

    async def _pass_on(self, request: Request, region: dict[str, Any], replica: Replica | None) -> Response:
        leader = replica.leader(monotonic()) if replica else region["leader_store"]
        url = self._address(leader) if leader else None
        if not url or request.headers.get(_PASSED_ON) or (replica and leader == replica.me):
            stores = ", ".join(str(peer["store_id"]) for peer in region["peers"])
            return _text(
                f"region {region['id']} has no leader that most of its stores ({stores}) follow", 503
            )
        try:
            answer = await self._http.ask(
                url + request.target,
                method=request.method,
                body=request.body,
                headers={_PASSED_ON: "1"},
                within=self._within,
            )
        except UnreachableError as error:
            return _text(
                f"region {region['id']} is led by store {leader}, which does not answer: {error}", 503
            )
        content_type = dict(answer.headers).get("content-type", "")
        return Response(answer.status, answer.body, content_type)


def _found(value: str) -> Response:
    return Response(200, value.encode("latin-1"), "application/octet-stream")


def _missing(key: str) -> Response:
    return _text(f"no such key: {key}", 404)


def _text(text: str, status: int) -> Response:
    return Response(status, f"{text}\n".encode(), "text/plain; charset=utf-8")
