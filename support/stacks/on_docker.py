"""What stacks of containers have in common, whatever their subject."""

from collections.abc import Mapping
from pathlib import Path

from support.stacks.docker import Engine
from support.stacks.docker_events import Events
from support.stacks.docker_project import Network
from support.stacks.stack import Change, Stack


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
        events.note = self.note

    def note(self, change: Change) -> None:
        """Add a change that somebody else witnessed."""
        raise NotImplementedError

    @property
    def environment(self) -> Mapping[str, str]:
        subject: Mapping[str, str] = super().environment  # type: ignore[safe-super]
        return {**subject, **self.engine.environment, "COMPOSE_PROJECT_NAME": self.engine.project}

    @property
    def trouble(self) -> str | None:
        return self._events.trouble

    def install_tools(self, directory: Path) -> None:
        """Put the `docker` command there, wherever this machine has it."""
        (directory / "docker").symlink_to(self.engine.client)
