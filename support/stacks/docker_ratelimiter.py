"""Starts a rate limiter stack of containers: a real Redis and three nodes, from `docker/ratelimiter`."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import anyio
from redis.asyncio import Redis
from redis.exceptions import RedisError

from support.stacks.docker import LABEL, Engine
from support.stacks.docker_images import get_images
from support.stacks.docker_project import COMPOSE_FILES, compose_project, private_network
from support.stacks.links import open_links
from support.stacks.on_docker import OnDocker
from support.stacks.ratelimiter import NODE_NAMES, RateLimiterStack
from support.supervisor import Supervisor, reserve_port

_FILE = COMPOSE_FILES / "ratelimiter" / "compose.yaml"
_SERVICES = ("redis", *NODE_NAMES)


class RateLimiterOnDocker(OnDocker, RateLimiterStack):
    """A rate limiter stack whose nodes are containers."""


@asynccontextmanager
async def ratelimiter_on_docker(
    engine: Engine, *, project: str, directory: Path, supervisor: Supervisor
) -> AsyncIterator[RateLimiterStack]:
    """Start Redis and three rate limiter nodes in containers; all of it is gone when the block is left.

    Raises BrokenBed when that cannot be done.
    """
    await get_images(engine.of(project, files=[_FILE], variables={}), _SERVICES)
    with ExitStack() as reserved:
        ports = {name: reserved.enter_context(reserve_port()).number for name in _SERVICES}
        async with (
            private_network(engine, project) as network,
            open_links(
                redis=ports["redis"],
                nodes={name: ports[name] for name in NODE_NAMES},
                host=network.gateway,
            ) as links,
        ):
            variables = {"REDIS_PORT": str(ports["redis"]), "BIND_ADDRESS": "127.0.0.1"}
            for name in NODE_NAMES:
                prefix = name.upper().replace("-", "_")
                variables[f"{prefix}_PORT"] = str(ports[name])
                variables[f"{prefix}_ADVERTISE"] = f"{links.host}:{links.to_node[name].port}"
                variables[f"{prefix}_REDIS_URL"] = f"redis://{links.host}:{links.to_redis[name].port}/0"
            async with compose_project(
                engine.of(project, files=[_FILE], variables=variables),
                network,
                services=_SERVICES,
                volumes=("redis-data",),
                directory=directory,
                supervisor=supervisor,
            ) as containers:
                stack = RateLimiterOnDocker(
                    containers.nodes,
                    addresses={name: f"http://127.0.0.1:{ports[name]}" for name in NODE_NAMES},
                    redis_url=f"redis://127.0.0.1:{ports['redis']}/0",
                    links=links,
                    other_redis=partial(_other_redis, engine, project),
                )
                stack.on(engine.of(project, files=[_FILE], variables=variables), containers.events, network)
                async with stack:
                    await stack.watch()
                    yield stack


@asynccontextmanager
async def _other_redis(engine: Engine, project: str) -> AsyncIterator[int]:
    """An empty Redis in a container of its own; gives its port on this machine."""
    name = f"{project}-other-redis"
    image = engine.ask("inspect", "--format", "{{.Config.Image}}", f"{project}-redis-1")
    with reserve_port() as port:
        publish = [(f"127.0.0.1:{port.number}", 6379)]
        await engine.call(
            "start another Redis",
            lambda docker: docker.container.run(
                image,
                ["redis-server", "--save", "", "--protected-mode", "no"],
                name=name,
                detach=True,
                labels={LABEL: engine.tag},
                publish=publish,
                pull="never",
            ),
            within=30,
        )
        try:
            await _answers(port.number)
            yield port.number
        finally:
            with anyio.CancelScope(shield=True):
                await engine.call(
                    "remove the other Redis",
                    lambda docker: docker.container.remove(name, force=True, volumes=True),
                    within=30,
                )


async def _answers(port: int) -> None:
    async with Redis(port=port, socket_timeout=1) as redis:
        with anyio.fail_after(20):
            while True:
                with suppress(RedisError):
                    await redis.ping()
                    return
                await anyio.sleep(0.02)
