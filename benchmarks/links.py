"""What a link costs: requests to a node that reaches Redis directly, and through a link.

usage: python benchmarks/links.py [REQUESTS]
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import anyio
import httpx

from support.stacks.process import ratelimiter_on_processes
from support.supervisor import Guardian, Supervisor


async def one_by_one(url: str, requests: int) -> float:
    """Median milliseconds of a check."""
    taken = []
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        for _ in range(requests):
            started = time.perf_counter()
            await client.post(f"{url}/check", json={"key": "k", "limit": 1_000_000, "window_ms": 60_000})
            taken.append(time.perf_counter() - started)
    return median(taken) * 1000


async def measure(requests: int) -> None:
    with Guardian.start() as guardian, tempfile.TemporaryDirectory() as spools:
        directory = guardian.directory / "s"
        directory.mkdir()
        async with (
            Supervisor(Path(spools), guardian=guardian) as supervisor,
            ratelimiter_on_processes(directory=directory, supervisor=supervisor, environ=os.environ) as stack,
        ):
            await stack.steady(within=30)
            node = next(iter(stack.addresses))
            direct, linked = stack.addresses[node], f"http://127.0.0.1:{stack.links.to_node[node].port}"
            await one_by_one(direct, 100)
            # The node's own way to Redis is a link in both; the way to the node in the second only.
            figures = [
                (await one_by_one(direct, requests), await one_by_one(linked, requests)) for _ in range(5)
            ]
            without, with_ = (median(each) for each in zip(*figures, strict=True))
            print(f"a check            {without:6.3f} ms (one link, to Redis)")
            print(f"through one more   {with_:6.3f} ms (+{(with_ - without):.3f} ms a link)")


if __name__ == "__main__":
    anyio.run(measure, int(sys.argv[1]) if len(sys.argv) > 1 else 300)
