"""What stores tell PD, and what they are told in return: gRPC in the real one, HTTP under /stand-in/ here."""

import json
from collections.abc import Mapping
from typing import Any

from systems.tikv.consensus import NotLeaderError
from systems.tikv.http_server import Request, Response
from systems.tikv.pd.cluster import Cluster
from systems.tikv.pd.errors import PdError
from systems.tikv.pd.members import Members
from systems.tikv.pd.regions import Report
from systems.tikv.pd.stores import Stats

PREFIX = "/stand-in/"


class StoresApi:
    """Answers stores. Only the leader does; others say who leads."""

    def __init__(self, cluster: Cluster, members: Members) -> None:
        self._cluster = cluster
        self._members = members

    async def answer(self, request: Request) -> Response:
        """Answer one request: 200, 400 with a reason, or 503 with the leader's client URLs."""
        try:
            body = request.json()
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        try:
            if not self._members.leads():
                raise NotLeaderError
            return _json(await self._answer(request.path.removeprefix(PREFIX), body))
        except NotLeaderError:
            leader = self._members.leader()
            return _json({"leader": leader["client_urls"] if leader else []}, 503)
        except PdError as error:
            return _json({"error": str(error)}, 400)

    async def _answer(self, what: str, body: dict[str, Any]) -> Mapping[str, object]:
        match what:
            case "id":
                return {"id": await self._cluster.allocate_id(), "cluster_id": self._cluster.cluster_id()}
            case "store":
                if body["cluster_id"] != self._cluster.cluster_id():
                    known = self._cluster.cluster_id()
                    raise PdError(f"mismatch cluster id, need {known} but got {body['cluster_id']}", 400)
                await self._cluster.put_store(body["store"])
                return self._view()
            case "heartbeat":
                return await self._heartbeat(body)
        raise PdError(f"no such request: {what}", 400)

    async def _heartbeat(self, body: dict[str, Any]) -> Mapping[str, object]:
        store_id = body["store_id"]
        if body["leaving"]:
            self._cluster.leaving(store_id)
        if body["stats"]:
            await self._cluster.heartbeat(store_id, Stats(**body["stats"]))
        for region in body["regions"]:
            down = {int(store): seconds for store, seconds in region["down"].items()}
            report = Report(size=region["size"], keys=region["keys"], down=down)
            await self._cluster.report(store_id, region["id"], region["term"], report)
        move = None if body["leaving"] else self._cluster.balance(store_id)
        return {**self._view(), "transfer": move}

    def _view(self) -> Mapping[str, object]:
        return {
            "stores": {str(meta["id"]): meta["address"] for meta in self._cluster.stores()},
            "regions": self._cluster.regions(),
            "members": [url for member in self._members.all() for url in member.get("client_urls", [])],
        }


def _json(found: object, status: int = 200) -> Response:
    return Response(status, json.dumps(found).encode(), "application/json")
