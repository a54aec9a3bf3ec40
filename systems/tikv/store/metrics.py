"""A store's metrics, named as TiKV names them."""

from bisect import bisect_left
from collections.abc import Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# TiKV's own: exponential_buckets(0.00001, 2.0, 26).
_BOUNDS = tuple(0.00001 * 2**power for power in range(26))
_DURATION = "tikv_grpc_msg_duration_seconds"


class Metrics:
    """Durations of key-value requests since this process started, by type."""

    def __init__(self) -> None:
        self._buckets = {kind: [0] * (len(_BOUNDS) + 1) for kind in ("raw_get", "raw_put", "raw_delete")}
        self._seconds = dict.fromkeys(self._buckets, 0.0)

    def took(self, kind: str, seconds: float) -> None:
        """Count one request that was answered here."""
        self._buckets[kind][bisect_left(_BOUNDS, seconds)] += 1
        self._seconds[kind] += seconds

    def exposition(self, disk: Mapping[str, int]) -> str:
        """Return all metrics as a scrape expects them; `disk` as from `disk_stats`."""
        lines = [
            f"# HELP {_DURATION} Bucketed histogram of grpc server messages",
            f"# TYPE {_DURATION} histogram",
        ]
        for kind, buckets in self._buckets.items():
            total = 0
            for bound, count in zip((*_BOUNDS, "+Inf"), buckets, strict=True):
                total += count
                lines.append(f'{_DURATION}_bucket{{type="{kind}",le="{bound}"}} {total}')
            lines.append(f'{_DURATION}_sum{{type="{kind}"}} {self._seconds[kind]}')
            lines.append(f'{_DURATION}_count{{type="{kind}"}} {total}')
        lines += [
            "# HELP tikv_store_size_bytes Size of storage.",
            "# TYPE tikv_store_size_bytes gauge",
            f'tikv_store_size_bytes{{type="available"}} {disk["available"]}',
            f'tikv_store_size_bytes{{type="capacity"}} {disk["capacity"]}',
            f'tikv_store_size_bytes{{type="used"}} {disk["used_size"]}',
        ]
        return "\n".join(lines) + "\n"
