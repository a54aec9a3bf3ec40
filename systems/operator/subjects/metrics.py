"""What a Prometheus has kept of a TiKV cluster: how long its stores take to answer.

The metric is that of TiKV v8.5.7, the API that of Prometheus 2 and 3.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from systems.operator.subjects.seeing import ask

if TYPE_CHECKING:
    import httpx

_SECONDS = 0.9
_SHORTEST_WINDOW = 5.0
"""Seconds; a shorter one would hold too few scrapes to tell a rate."""


@dataclass(frozen=True)
class Latency:
    """How long the slowest of a hundred requests takes: `p99` in seconds, None when that is not known.

    Where nothing was asked of the stores nobody waits, and it is 0.
    """

    p99: float | None
    why: str = ""  # it is not known


class Prometheus:
    """Asks one Prometheus; `span` is how many seconds of its past count."""

    def __init__(self, client: "httpx.AsyncClient", url: str, *, span: float) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._span = max(span, _SHORTEST_WINDOW)

    async def latency(self) -> Latency:
        """The latency of the whole cluster at this moment. Never raises for what Prometheus does."""
        query = (
            "histogram_quantile(0.99, sum by (le) "
            f"(rate(tikv_grpc_msg_duration_seconds_bucket[{math.ceil(self._span * 1000)}ms])))"
        )
        reply = await ask(self._client, f"{self._url}/api/v1/query", seconds=_SECONDS, query=query)
        if reply.kind != "answered":
            return Latency(None, f"Prometheus: {reply.why}")
        try:
            (series,) = reply.body["data"]["result"]  # type: ignore[index]
            value = float(series["value"][1])
        except (KeyError, TypeError, ValueError):
            return Latency(None, "Prometheus knows of no request to a store")
        return Latency(0.0 if math.isnan(value) else value)
