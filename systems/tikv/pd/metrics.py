"""PD's metrics: the leader counts its stores, other members have nothing to say of them."""

from collections.abc import Iterator
from time import monotonic, time_ns

from systems.tikv.pd.cluster import Cluster
from systems.tikv.pd.regions import load_of
from systems.tikv.pd.stores import OFFLINE, PREPARING, TOMBSTONE, UP, Meta, down_for
from systems.tikv.timing import Timing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_HEAD = "# HELP pd_cluster_status Status of the cluster.\n# TYPE pd_cluster_status gauge\n"


class Metrics:
    """Gauges that are collected every `Timing.metrics` seconds, as PD does, not at every scrape."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        self._cluster = cluster
        self._timing = timing
        self._collected_at = float("-inf")
        self._text = ""

    def exposition(self, *, leads: bool) -> str:
        """Return the metrics as a scrape expects them."""
        if not leads:
            self._collected_at = float("-inf")
            return ""
        if monotonic() - self._collected_at >= self._timing.metrics:
            self._collected_at = monotonic()
            self._text = _HEAD + "".join(
                line for meta in self._cluster.stores() for line in self._lines(meta)
            )
        return self._text

    def _lines(self, meta: Meta) -> Iterator[str]:
        # From v8.5.5 every store has series of its own (pkg/statistics/store_collection.go).
        for kind, value in self._gauges(meta).items():
            yield f'pd_cluster_status{{engine="tikv",store="{meta["id"]}",type="{kind}"}} {value:g}\n'

    def _gauges(self, meta: Meta) -> dict[str, float]:
        silent = down_for(meta, time_ns())
        state, node_state = meta.get("state", UP), meta.get("node_state", PREPARING)
        counted = ""
        if state == UP:
            if silent >= self._timing.down:
                counted = "down"
            elif silent > self._timing.unhealthy:
                counted = "unhealth"
            elif silent > self._timing.disconnected:
                counted = "disconnected"
            else:
                counted = "up"
        stats = self._cluster.stats(meta["id"])
        capacity, available, used = (stats.capacity, stats.available, stats.used_size) if stats else (0, 0, 0)
        low_space = float(self._cluster.config()["schedule"]["low-space-ratio"])
        is_low = bool(stats) and counted != "down" and available < capacity * (1 - low_space)
        load = load_of(meta["id"], self._cluster.regions(), self._cluster.reports())
        return {
            "store_up_count": counted == "up",
            "store_disconnected_count": counted == "disconnected",
            "store_slow_count": 0,
            "store_down_count": counted == "down",
            "store_unhealth_count": counted == "unhealth",
            "store_offline_count": state == OFFLINE,
            "store_tombstone_count": state == TOMBSTONE,
            "store_low_space_count": is_low,
            "store_preparing_count": state == UP and node_state == PREPARING,
            "store_serving_count": state == UP and node_state != PREPARING,
            "store_removing_count": state == OFFLINE,
            "store_removed_count": state == TOMBSTONE,
            "storage_size": used,
            "storage_capacity": capacity,
            "region_count": load.region_count,
            "leader_count": load.leader_count,
        }
