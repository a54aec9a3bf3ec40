"""Nodes that are containers of a compose project."""

import json
from collections.abc import Callable, Mapping

import anyio
from python_on_whales import DockerClient

from support.stacks.docker import Engine
from support.stacks.docker_events import Events
from support.supervisor import Process

_DONE_WITHIN = 20.0
_HEALTHY_WITHIN = 60.0


class ContainerNode:
    """A node that is one container; starting it anew keeps its data.

    `grace` is how many seconds it has to stop. `printed` gives what follows its log, once it was started.
    """

    def __init__(
        self,
        engine: Engine,
        events: Events,
        name: str,
        *,
        grace: int,
        printed: Callable[[str], Process | None],
    ) -> None:
        self._engine = engine
        self._events = events
        self._name = name
        self._grace = grace
        self._printed = printed
        self._changing = anyio.Lock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def state(self) -> str:
        return self._events.of(self._name).state

    @property
    def incarnation(self) -> str:
        seen = self._events.of(self._name)
        return f"container {seen.container[:12]}, start {seen.started}"

    @property
    def container(self) -> str:
        """The id of the container."""
        return self._events.of(self._name).container

    async def start(self) -> None:
        """Start the container and return when its health check is green; one that runs is left alone."""
        async with self._changing:
            if self.state == "running":
                return
            await self._do("start", lambda docker: docker.container.start(self.container), "running")
            await self._events.until_healthy(self._name, within=_HEALTHY_WITHIN)

    async def stop(self) -> None:
        async with self._changing:
            await self._do(
                "stop", lambda docker: docker.container.stop(self.container, time=self._grace), "exited"
            )

    async def kill(self) -> None:
        async with self._changing:
            await self._do("kill", lambda docker: docker.container.kill(self.container), "exited")

    async def pause(self) -> None:
        await self._do("pause", lambda docker: docker.container.pause(self.container), "paused")

    async def resume(self) -> None:
        await self._do("unpause", lambda docker: docker.container.unpause(self.container), "running")

    async def leave(self, network: str) -> None:
        """Take the container off a network of its own."""
        await self._change(
            f"disconnect {self._name}", lambda docker: docker.network.disconnect(network, self.container)
        )

    async def join(self, network: str) -> None:
        """Put the container back on a network, under its own name, if it is not there."""
        settings = self.inspect()["NetworkSettings"]
        assert isinstance(settings, dict)
        if network in settings["Networks"]:
            return
        await self._change(
            f"connect {self._name}",
            lambda docker: docker.network.connect(network, self.container, alias=self._name),
        )

    async def run(self, *words: str) -> None:
        """Run a command in the container, to its end."""
        await self._change(
            f"run {words[0]} in {self._name}",
            lambda docker: docker.container.execute(self.container, list(words)),
        )

    def logs(self, lines: int) -> list[str]:
        printed = self._printed(self._name)
        return printed.output.tail(lines) if printed else []

    def inspect(self) -> Mapping[str, object]:
        answer: list[Mapping[str, object]] = json.loads(self._engine.ask("inspect", self.container))
        return answer[0]

    async def _do(self, verb: str, do: Callable[[DockerClient], object], state: str) -> None:
        with self._events.own(self._name):
            await self._engine.call(f"{verb} node {self._name}", do, within=_DONE_WITHIN + self._grace)
            await self._events.until(
                f"node {self._name} is {state}", lambda: self.state == state, within=_DONE_WITHIN
            )

    async def _change(self, what: str, do: Callable[[DockerClient], object]) -> None:
        with self._events.own(self._name):
            await self._engine.call(what, do, within=_DONE_WITHIN)
