"""What PD says of one store: its state from the heartbeats it received, its figures from the last one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from systems.tikv.pd.formats import byte_size, duration, timestamp
from systems.tikv.timing import Timing

UP, OFFLINE, TOMBSTONE = 0, 1, 2
PREPARING, SERVING, REMOVING = 0, 1, 2
_STATE_NAMES = {UP: "Up", OFFLINE: "Offline", TOMBSTONE: "Tombstone"}
_SECOND = 1_000_000_000
_GIB = 1 << 30

Meta = dict[str, Any]
"""A store as PD keeps it: the fields of `metapb.Store` by their JSON names."""


@dataclass(frozen=True)
class Stats:
    """What a store said in its last heartbeat, in bytes."""

    capacity: int
    available: int
    used_size: int


@dataclass(frozen=True)
class Load:
    """What the regions say of a store: how many it holds and leads, and how large they are, in MiB."""

    leader_count: int = 0
    leader_size: int = 0
    region_count: int = 0
    region_size: int = 0


def down_for(meta: Mapping[str, Any], now: int) -> float:
    """Return the seconds since PD received the store's last heartbeat; `now` in ns since 1970.

    A store that never sent one counts from 1970.
    """
    return float(now - meta.get("last_heartbeat", 0)) / _SECOND


def state_name(meta: Mapping[str, Any], now: int, timing: Timing) -> str:
    """Return the state as PD names it (pkg/response/store.go, BuildStoreInfo)."""
    state = meta.get("state", UP)
    if state == UP:
        if down_for(meta, now) > timing.down:
            return "Down"
        if down_for(meta, now) > timing.disconnected:
            return "Disconnected"
    return _STATE_NAMES[state]


def store_info(
    meta: Meta, stats: Stats | None, load: Load, now: int, timing: Timing, low_space_ratio: float
) -> dict[str, object]:
    """Return one element of `/stores`. Without `stats`, as after a change of PD's leader, sizes are 0."""
    store = {
        "id": meta["id"],
        "address": meta["address"],
        "state": meta.get("state"),
        "version": meta["version"],
        "peer_address": meta["peer_address"],
        "status_address": meta["status_address"],
        "git_hash": meta["git_hash"],
        "start_timestamp": meta["start_timestamp"],
        "deploy_path": meta["deploy_path"],
        "last_heartbeat": meta.get("last_heartbeat"),
        "physically_destroyed": meta.get("physically_destroyed"),
        "node_state": meta.get("node_state"),
        "state_name": state_name(meta, now, timing),
    }
    started = meta["start_timestamp"] * _SECOND
    heard = meta.get("last_heartbeat", 0)
    capacity, available = (stats.capacity, stats.available) if stats else (0, 0)
    status: dict[str, object] = {
        "capacity": byte_size(capacity),
        "available": byte_size(available),
        "used_size": byte_size(stats.used_size if stats else 0),
        "leader_count": load.leader_count,
        "leader_weight": 1,
        "leader_score": load.leader_count,
        "leader_size": load.leader_size,
        "region_count": load.region_count,
        "region_weight": 1,
        "region_score": _region_score(load.region_size, capacity, available, low_space_ratio),
        "region_size": load.region_size,
    }
    if stats:
        status["slow_score"] = 1
    status["start_ts"] = timestamp(started)
    status["last_heartbeat_ts"] = timestamp(heard)
    if heard > started:
        status["uptime"] = duration(heard - started)
    # Go's omitempty: what is 0, false or missing is not said.
    return {"store": {name: value for name, value in store.items() if value}, "status": status}


def _region_score(size: int, capacity_bytes: int, available_bytes: int, low_space_ratio: float) -> float:
    """The v2 formula of PD (pkg/core/store.go, regionScoreV2)."""
    capacity, available = capacity_bytes / _GIB, available_bytes / _GIB
    floor = max(50.0, capacity * (1 - low_space_ratio))
    if available >= capacity or capacity < 1:
        return float(size)
    if available > floor:
        spread = math.log(capacity) - math.log(available - floor + 1)
        return (1 + 256 * spread / (capacity - available + floor - 1)) * size
    return (1 + 256 * math.log(capacity) / capacity) * size + 1e7 * (floor - available) / floor
