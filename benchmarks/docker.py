"""What containers cost: a rate limiter stack up and down, its reset, and faults put in place.

    uv run python benchmarks/docker.py [ROUNDS]

Needs a Docker engine and the images of docker/ratelimiter.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from support.machine import docker
from support.machine.temporary import home
from support.stacks.docker import LABEL, Engine
from support.stacks.docker_ratelimiter import ratelimiter_on_docker
from support.supervisor import Guardian, Supervisor


async def main(rounds: int) -> None:
    docker.require(os.environ)
    figures: dict[str, list[float]] = {}

    async def timed(name: str, do: Callable[[], Awaitable[object]]) -> None:
        begun = time.perf_counter()
        await do()
        figures.setdefault(name, []).append(time.perf_counter() - begun)

    with Guardian.start(home()) as guardian:
        engine = Engine.find(os.environ, tag=guardian.tag)
        guardian.register_engine(engine.client, engine.host, LABEL)
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as place:
                async with Supervisor(Path(place) / "spools", guardian=guardian) as supervisor:
                    opened = ratelimiter_on_docker(
                        engine,
                        project=f"bench-{engine.tag}-{number}",
                        directory=Path(place),
                        supervisor=supervisor,
                    )
                    begun = time.perf_counter()
                    async with opened as stack:
                        await stack.steady(within=30)
                        figures.setdefault("stack up", []).append(time.perf_counter() - begun)
                        await timed("reset", stack.reset)
                        node = stack.nodes["ratelimiter-2"]
                        await timed("pause a node", node.pause)
                        await timed("resume it", node.resume)
                        await timed("kill it", node.kill)
                        await timed("start it, until healthy", node.start)
                        await timed("stop it", node.stop)
                        begun = time.perf_counter()
                    figures.setdefault("stack down", []).append(time.perf_counter() - begun)
    for name, seconds in figures.items():
        print(f"{name:24} median {statistics.median(seconds):6.2f} s   worst {max(seconds):6.2f} s")


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 5)
