"""Runs an operator's processes in containers beside a docker stack, from `docker/operator`.

Each process is a container that is created first and then started attached, so that what it prints, its
exit status and the signals it is sent pass through the one `docker` command that the supervisor runs.
"""

import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import anyio

from support.stacks.docker import LABEL, Engine
from support.stacks.docker_images import get_images
from support.stacks.docker_project import COMPOSE_FILES, Network
from support.stacks.link import Link
from support.stacks.on_docker import OnDocker
from support.verdict import BrokenBed, NotVerified

_FILE = COMPOSE_FILES / "operator" / "compose.yaml"
_PROCESSES = ("monitor", "agent")
_USER = 10001
_SOCKET = "/var/run/docker.sock"
_DONE_WITHIN = 60.0


class OperatorContainers:
    """The containers of one operator; made by `operator_in_containers`."""

    python = "/opt/venv/bin/python"
    """What `{python}` is in the commands of a profile."""

    def __init__(self, engine: Engine, directory: Path, links: AsyncExitStack, network: Network) -> None:
        self._engine = engine
        self._directory = directory
        self._links = links
        self._network = network

    async def reachable(self, url: str) -> str:
        """The URL by which a container reaches what listens at this one of 127.0.0.1."""
        port = urlsplit(url).port
        assert port is not None
        link = Link("the operator to its model", to=port, host=self._network.gateway)
        await self._links.enter_async_context(link)
        return f"http://{link.host}:{link.port}"

    async def create(
        self, name: str, argv: Sequence[str], env: Mapping[str, str]
    ) -> tuple[list[str], Mapping[str, str]]:
        """Create the container of a process, and return the command that runs it, with its environment.

        Raises NotVerified for a process that the compose file has no service for, and BrokenBed.
        """
        if name not in _PROCESSES:
            raise NotVerified(f"in containers an operator has no {name}; run with -D operator_in=host")
        inside = {**env, "DOCKER_HOST": f"unix://{_SOCKET}"}
        if name == "monitor":
            del inside["DOCKER_HOST"]
        service = {
            "command": list(argv),
            "entrypoint": [],
            "environment": inside,
            "labels": {LABEL: self._engine.tag},
        }
        added = self._directory / f"{name}.json"
        # A dollar would name a variable of compose.
        added.write_text(json.dumps({"services": {name: service}}).replace("$", "$$"), encoding="utf-8")
        await anyio.to_thread.run_sync(_give, self._directory)
        engine = self._engine.of(
            self._engine.project, files=[_FILE, added], variables=self._engine.variables or {}
        )
        await engine.call(
            f"create a container for the {name}",
            lambda docker: docker.compose.create([name], force_recreate=True, no_build=True),
            within=_DONE_WITHIN,
        )
        container = f"{self._engine.project}-{name}-1"
        return [engine.client, "start", "--attach", container], engine.environment


@asynccontextmanager
async def operator_in_containers(stack: OnDocker, directory: Path) -> AsyncIterator[OperatorContainers]:
    """Make room for an operator whose files are in `directory`; its containers are gone afterwards.

    Raises NotVerified where an agent cannot be given the engine's socket, and BrokenBed.
    """
    kind, _, socket = stack.engine.host.partition("://")
    if kind != "unix":
        raise NotVerified(
            f"an agent in a container controls nodes through the engine's unix socket, not "
            f"{stack.engine.host}; "
            "run with -D operator_in=host"
        )
    user = f"{_USER}:{_USER}" if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"
    engine = stack.engine.of(
        f"{stack.network.name}-operator-{directory.name}",
        files=[_FILE],
        variables={
            "STACK_NETWORK": stack.network.name,
            "OPERATOR_USER": user,
            "OPERATOR_DATA": str(directory),
            "OPERATOR_HOME": str(directory),
            "DOCKER_SOCKET": socket,
            "DOCKER_GROUP": str(os.stat(socket).st_gid),  # noqa: PTH116 - of no file on a disk
            "DOCKER_CLIENT": str(Path(stack.engine.client).resolve()),  # noqa: ASYNC240
        },
    )
    await get_images(engine, _PROCESSES)
    async with AsyncExitStack() as links:
        try:
            yield OperatorContainers(engine, directory, links, stack.network)
        finally:
            with anyio.CancelScope(shield=True), suppress(BrokenBed):  # what is left the guardian removes
                await engine.call(
                    "remove the operator's containers",
                    lambda docker: docker.compose.down(volumes=True, timeout=0, quiet=True),
                    within=_DONE_WITHIN,
                )


def _give(directory: Path) -> None:
    """Let the container's user write to the operator's directory; root alone may and need do that."""
    if os.getuid() == 0:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, _USER, _USER, follow_symlinks=False)
