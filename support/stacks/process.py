"""Nodes that are processes of this machine, under the supervisor, and the stacks that are made of them."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import anyio

from support.stacks.control import serve_stackctl
from support.stacks.links import open_links
from support.stacks.ratelimiter import NODE_NAMES, RateLimiterStack
from support.stacks.redis_server import find_redis_server, redis_command
from support.supervisor import (
    CannotStart,
    Command,
    DiedEarly,
    LogLine,
    NotReady,
    Process,
    Supervisor,
    reserve_port,
)
from support.verdict import BrokenBed


class ProcessNode:
    """A node that is one process; every start is a new process with the same command."""

    def __init__(self, supervisor: Supervisor, command: Command) -> None:
        self._supervisor = supervisor
        self._command = command
        self._process: Process | None = None
        self._changing = anyio.Lock()  # whoever starts and whoever stops it take turns

    @property
    def name(self) -> str:
        return self._command.name

    @property
    def state(self) -> str:
        if self._process is None:
            return "not started"
        if not self._process.alive:
            return "exited"
        return "paused" if self._process.paused else "running"

    @property
    def incarnation(self) -> str:
        return f"pid {self._process.pid}" if self._process else "none"

    @property
    def process(self) -> Process:
        """The process of the latest start. Raises RuntimeError before the first one."""
        if self._process is None:
            raise RuntimeError(f"node {self.name} was not started yet")
        return self._process

    async def start(self) -> None:
        """Start the node and return when it is ready; a node that runs is left alone."""
        async with self._changing:
            await self.launch()
            await self.process.ready()

    async def launch(self) -> None:
        """Start the node without waiting for its readiness."""
        if self._process is None or not self._process.alive:
            self._process = await self._supervisor.spawn(self._command)

    async def stop(self) -> None:
        async with self._changing:
            await self.process.stop()

    async def kill(self) -> None:
        async with self._changing:
            await self.process.kill()

    async def pause(self) -> None:
        self.process.pause()
        while self.state == "running":  # noqa: ASYNC110 - it stops when it next comes out of the kernel
            await anyio.sleep(0.001)

    async def resume(self) -> None:
        self.process.resume()

    def logs(self, lines: int) -> list[str]:
        return self.process.output.tail(lines)

    def inspect(self) -> Mapping[str, object]:
        exit_ = self._process.exit if self._process else None
        return {
            "name": self.name,
            "state": self.state,
            "pid": self._process.pid if self._process and self._process.alive else None,
            "exit": str(exit_) if exit_ else None,
            "command": list(self._command.argv),
        }


@asynccontextmanager
async def ratelimiter_on_processes(
    *, directory: Path, supervisor: Supervisor, environ: Mapping[str, str], code: Path | None = None
) -> AsyncIterator[RateLimiterStack]:
    """Start Redis and three rate limiter nodes, with `stackctl` on a socket in `directory`.

    `code` is where the nodes' code is looked for first.
    Leaves the processes to the supervisor. Raises BrokenBed when a node cannot be started.
    """
    async with AsyncExitStack() as opened:
        ports = {name: opened.enter_context(reserve_port()).number for name in ("redis", *NODE_NAMES)}
        links = await opened.enter_async_context(
            open_links(redis=ports["redis"], nodes={name: ports[name] for name in NODE_NAMES})
        )
        environment = {"PATH": os.defpath, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"}
        server = find_redis_server(environ)

        def redis_on(port: int, name: str) -> Command:
            home = directory / name
            home.mkdir()
            return Command(
                name=name,
                argv=redis_command(server, port=port, directory=home),
                cwd=home,
                env=environment,
                ready=LogLine("Ready to accept connections"),
            )

        redis = redis_on(ports["redis"], "redis")
        limiters = [
            Command(
                name=name,
                argv=_node_command(
                    name,
                    port=ports[name],
                    advertise=f"127.0.0.1:{links.to_node[name].port}",
                    redis_url=f"redis://127.0.0.1:{links.to_redis[name].port}/0",
                ),
                cwd=directory,
                env=environment | ({"PYTHONPATH": str(code)} if code else {}),
                ready=LogLine(f"{name} ready on "),
            )
            for name in NODE_NAMES
        ]
        nodes = {each.name: ProcessNode(supervisor, each) for each in (redis, *limiters)}
        stack = RateLimiterStack(
            nodes,
            addresses={name: f"http://127.0.0.1:{ports[name]}" for name in NODE_NAMES},
            redis_url=f"redis://127.0.0.1:{ports['redis']}/0",
            links=links,
            other_redis=partial(_other_redis, supervisor, redis_on),
            control=directory / "stackctl.sock",
        )
        for_suite = {
            "endpoints": lambda: {
                "subject": "ratelimiter",
                "nodes": list(nodes),
                "addresses": stack.addresses,
                "redis_url": stack.redis_url,
            },
            "changes": lambda: [(change.wall, change.what) for change in stack.changes],
        }
        async with serve_stackctl(directory / "stackctl.sock", nodes, stack.note, for_suite=for_suite), stack:
            try:
                for node in nodes.values():
                    await node.launch()  # side by side: what takes long is their start-up
                for node in nodes.values():
                    await node.process.ready()
            except (CannotStart, DiedEarly, NotReady) as error:
                raise BrokenBed(f"the rate limiter stack did not come up: {error}") from error
            await stack.watch()
            yield stack


@asynccontextmanager
async def _other_redis(supervisor: Supervisor, redis_on: Callable[[int, str], Command]) -> AsyncIterator[int]:
    with reserve_port() as port:
        process = await supervisor.start(redis_on(port.number, f"redis-{port.number}"))
        try:
            yield port.number
        finally:
            await process.stop()


def _node_command(name: str, *, port: int, advertise: str, redis_url: str) -> list[str]:
    return [
        *(sys.executable, "-m", "systems.ratelimiter", "--id", name),
        *("--host", "127.0.0.1", "--port", str(port), "--advertise", advertise, "--redis", redis_url),
    ]
