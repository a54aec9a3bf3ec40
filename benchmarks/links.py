"""What a link of the suite's own costs a request: Redis asked directly and through a link, in turn.

usage: python benchmarks/links.py [REQUESTS]
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import anyio
from redis.asyncio import Redis

from support.machine.temporary import home
from support.stacks.process import ratelimiter_on_processes
from support.supervisor import Guardian, Supervisor


async def ping(client: Redis) -> float:
    """Milliseconds of one question and its answer."""
    started = time.perf_counter()
    await client.ping()
    return (time.perf_counter() - started) * 1000


async def measure(requests: int) -> None:
    with Guardian.start(home()) as guardian, tempfile.TemporaryDirectory() as spools:
        directory = guardian.directory / "s"
        directory.mkdir()
        async with (
            Supervisor(Path(spools), guardian=guardian) as supervisor,
            ratelimiter_on_processes(directory=directory, supervisor=supervisor, environ=os.environ) as stack,
            Redis.from_url(stack.redis_url) as direct,
            Redis.from_url(stack.environment["REDIS_URL"]) as linked,
        ):
            pairs = [(await ping(direct), await ping(linked)) for _ in range(requests)]
            without, with_ = (median(each) for each in zip(*pairs, strict=True))
            print(f"Redis directly     {without:6.3f} ms")
            print(f"through a link     {with_:6.3f} ms (+{with_ - without:.3f} ms)")


if __name__ == "__main__":
    anyio.run(measure, int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
