"""What stacks of containers have in common, whatever their subject."""

from collections.abc import Mapping
from pathlib import Path

from support.stacks.docker import Engine
from support.stacks.docker_events import Events
from support.stacks.stack import Change, Stack


class OnDocker(Stack):
    """A stack whose nodes are containers; its operator controls them with `docker`.

    To be named before the class of the subject.
    """

    def on(self, engine: Engine, events: Events) -> None:
        """Take note of the engine and the project that it runs on, and witness what others do to it."""
        self._engine = engine
        self._events = events
        events.note = self.note

    def note(self, change: Change) -> None:
        """Add a change that somebody else witnessed."""
        raise NotImplementedError

    @property
    def environment(self) -> Mapping[str, str]:
        subject: Mapping[str, str] = super().environment  # type: ignore[safe-super]
        return {**subject, **self._engine.environment, "COMPOSE_PROJECT_NAME": self._engine.project}

    @property
    def trouble(self) -> str | None:
        return self._events.trouble

    def install_tools(self, directory: Path) -> None:
        """Put the `docker` command there, wherever this machine has it."""
        (directory / "docker").symlink_to(self._engine.client)
