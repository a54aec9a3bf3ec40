"""TiKV's status server: what it says of the node and its regions."""

import json
import re
from time import monotonic
from typing import Any

from systems.tikv.flags import TikvFlags
from systems.tikv.http_server import Request, Response
from systems.tikv.store.disk import disk_stats
from systems.tikv.store.metrics import CONTENT_TYPE, Metrics
from systems.tikv.store.regions import Regions
from systems.tikv.timing import Timing


class StatusApi:
    """Answers on the status address."""

    def __init__(self, flags: TikvFlags, timing: Timing, regions: Regions, metrics: Metrics) -> None:
        self._flags = flags
        self._timing = timing
        self._regions = regions
        self._metrics = metrics

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.method not in ("GET", "HEAD"):
            return Response(405)
        match request.path:
            case "/status":
                return Response()
            case "/metrics":
                disk = disk_stats(self._flags.data_dir, self._flags.capacity)
                return Response(200, self._metrics.exposition(disk).encode(), CONTENT_TYPE)
            case "/config":
                return _json(self._config())
            case "/engine_type":
                return Response(200, b"raft-kv", "text/plain")
        if match := re.fullmatch(r"/region/(\d{1,20})", request.path, re.ASCII):
            return self._region(int(match[1]))
        return Response(404, b"path not found")

    def _config(self) -> dict[str, Any]:
        flags = self._flags
        return {
            "stand-in": {"time-scale": self._timing.scale},
            "server": {
                "addr": flags.addr,
                "advertise-addr": flags.advertise_addr,
                "status-addr": flags.status_addr,
                "advertise-status-addr": flags.advertise_status_addr,
            },
            "storage": {"data-dir": str(flags.data_dir), "engine": "raft-kv"},
            "pd": {"endpoints": list(flags.pd)},
            "raftstore": {
                "capacity": f"{flags.capacity}B",
                "pd-store-heartbeat-tick-interval": "10s",
                "raft-store-max-leader-lease": "9s",
                "max-peer-down-duration": "10m",
            },
        }

    def _region(self, region_id: int) -> Response:
        replica, region = self._regions.replica(region_id), self._regions.known.get(region_id)
        if not replica or not region:
            return Response(404, f"region({region_id}) not found".encode())
        peers = {peer["store_id"]: peer for peer in region["peers"]}
        leader = replica.leader(monotonic())
        return _json(
            {
                "raft_status": {
                    "id": peers[replica.me]["id"],
                    "hard_state": {
                        "term": replica.term,
                        "vote": peers.get(replica.journal.voted_for, {}).get("id", 0),
                        "commit": replica.committed,
                    },
                    "soft_state": {
                        "leader_id": peers[leader]["id"] if leader else 0,
                        "raft_state": "Leader" if leader == replica.me else "Follower",
                    },
                    "applied": replica.journal.last.place,
                },
                "region_state": {
                    "id": region_id,
                    "start_key": region["start"],
                    "end_key": region["end"],
                    "region_epoch": {"conf_ver": region["conf_ver"], "version": region["version"]},
                    "peers": [{**peer, "role": "Voter"} for peer in region["peers"]],
                },
            }
        )


def _json(found: object) -> Response:
    return Response(200, json.dumps(found).encode(), "application/json")
