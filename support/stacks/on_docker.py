"""What stacks of containers have in common, whatever their subject."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from support.stacks.docker import Engine
from support.stacks.docker_events import PROJECT, Events
from support.stacks.docker_nodes import ContainerNode
from support.stacks.docker_project import Network
from support.stacks.stack import Stack
from support.verdict import BrokenBed

_FULL = 1 << 20
"""Bytes; with less than that to write on, containers go wrong in ways of their own."""


class OnDocker(Stack):
    """A stack whose nodes are containers; its operator controls them with `docker`.

    To be named before the class of the subject.
    """

    engine: Engine
    """The engine, and the project on it."""
    network: Network
    """What its nodes are on."""

    def on(self, engine: Engine, events: Events, network: Network) -> None:
        """Take note of what it runs on, and witness what others do to it."""
        self.engine = engine
        self.network = network
        self._events = events
        self._disk = Path(engine.ask("info", "--format", "{{.DockerRootDir}}"))
        events.note = self.note

    def container(self, name: str) -> ContainerNode:
        """The container of a node. Raises BrokenBed when there is none: a feature names one that is not."""
        node = self.nodes.get(name)
        if not isinstance(node, ContainerNode):
            raise BrokenBed(f"there is no node {name}; there are {', '.join(self.nodes)}")
        return node

    def left(self) -> list[str]:
        """What the engine still has of the project, for when it was taken down."""
        of_project = ("--filter", f"label={PROJECT}={self.engine.project}")
        return [
            *self.engine.ask("ps", "--all", "--quiet", *of_project).split(),
            *self.engine.ask("volume", "ls", "--quiet", *of_project).split(),
            *self.engine.ask("network", "ls", "--quiet", "--filter", f"name={self.network.name}").split(),
        ]

    @property
    def environment(self) -> Mapping[str, str]:
        subject: Mapping[str, str] = super().environment  # type: ignore[safe-super]
        return {**subject, **self.engine.environment, "COMPOSE_PROJECT_NAME": self.engine.project}

    @property
    def trouble(self) -> str | None:
        return self._events.trouble or self._full_disk()

    def _full_disk(self) -> str | None:
        with suppress(OSError):  # the engine's disk is not one of this machine
            status = os.statvfs(self._disk)
            if status.f_bavail * status.f_frsize < _FULL:
                return f"the disk of the Docker engine at {self.engine.host} is full: {self._disk}"
        return None

    def install_tools(self, directory: Path) -> None:
        """Put the `docker` command there, wherever this machine has it."""
        (directory / "docker").symlink_to(self.engine.client)
