"""What an engine tells of the containers of one project, as it happens: their states, and who changed them.

The engine's events are the one source of the states: what the suite does itself, what an agent does with
`docker`, and what happens by itself come in one order.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from support.stacks.docker import Engine
from support.stacks.stack import Change
from support.supervisor import CannotStart, Command, DiedEarly, NotReady, Process, Supervisor
from support.verdict import BrokenBed

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"

_STATES: Mapping[str, str] = {
    "create": "not started",
    "start": "running",
    "unpause": "running",
    "pause": "paused",
    "die": "exited",
    "destroy": "removed",
}
_DEEDS = frozenset({"start", "stop", "kill", "restart", "pause", "unpause", "destroy", "update", "rename"})
"""What only somebody can do to a container; a `die` may happen by itself."""
_ACTIONS = (*_STATES, *_DEEDS, "health_status", "connect", "disconnect")


@dataclass
class Seen:
    """What the engine has told of one container."""

    state: str = "not started"
    health: str = ""
    container: str = ""
    """Its id."""
    started: int = 0
    """When it was started last, in nanoseconds since the epoch, by the engine's clock."""
    ended: int = 0
    """When it ended last, likewise; what it has printed since is of its latest start."""
    own: list[list[float]] = field(default_factory=list)
    """When the suite itself has changed it: from and to, in seconds since the epoch."""


class Events:
    """Follows the events of one project; `run` until cancelled.

    `started` is told of every start of a container, and when it had ended before; `note` of the changes that
    are not the suite's own.
    """

    def __init__(self, engine: Engine, *, started: Callable[[str, int], None]) -> None:
        self._engine = engine
        self.note: Callable[[Change], None] = lambda change: None
        self._started = started
        self._seen: dict[str, Seen] = {}
        self._names: dict[str, str] = {}
        self._news = anyio.Event()
        self.trouble: str | None = None
        """What broke that is nobody's business but the engine's: said once, for good."""
        self.stopping = False
        """Whether the stack is being stopped, so that nothing that goes is missed."""

    def of(self, name: str) -> Seen:
        """What is known of a service's container."""
        return self._seen.setdefault(name, Seen())

    def known(self, name: str, *, container: str, state: str, started: int, health: str) -> None:
        """Take in a container that was there before the first event."""
        self._seen[name] = Seen(state=state, health=health, container=container, started=started)
        self._names[container] = name

    @contextmanager
    def own(self, name: str) -> Iterator[None]:
        """What happens to a container meanwhile is the suite's own doing."""
        span = [time.time(), float("inf")]
        self.of(name).own.append(span)
        try:
            yield
        finally:
            span[1] = time.time()

    async def until(self, what: str, condition: Callable[[], bool], *, within: float) -> None:
        """Wait until what the engine tells fulfils a condition. Raises BrokenBed after `within` seconds."""
        with anyio.move_on_after(within):
            while not condition():
                if self.trouble is not None:
                    raise BrokenBed(self.trouble)
                await self._news.wait()
            return
        raise BrokenBed(f"the engine at {self._engine.host} did not tell within {within:g} s that {what}")

    async def until_healthy(self, name: str, *, within: float) -> None:
        """Wait until a container's health check is green. Raises BrokenBed after `within` seconds."""
        seen = self.of(name)
        await self.until(f"node {name} is healthy", lambda: seen.health == "healthy", within=within)

    async def listen(self, supervisor: Supervisor, directory: Path) -> Process:
        """Begin to listen, and return when no event can be missed any more. Raises BrokenBed."""
        filters = [word for action in _ACTIONS for word in ("--filter", f"event={action}")]
        command = Command(
            name="docker-events",
            argv=[
                *(self._engine.client, "events", "--since", f"{time.time():.3f}"),
                *("--filter", "type=container", "--filter", "type=network", *filters),
                *("--format", "{{json .}}"),
            ],
            cwd=directory,
            env=self._engine.environment,
        )
        try:
            return await supervisor.start(command)
        except (CannotStart, DiedEarly, NotReady) as error:
            raise BrokenBed(f"the engine does not tell what happens: {error}") from error

    async def run(self, process: Process) -> None:
        """Take in what the engine tells until it ends."""
        async for line in process.output.follow():
            try:
                event = json.loads(line.text)
            except ValueError:
                continue
            self._take(event)
            self._ring()
        if not self.stopping:
            self.trouble = (
                f"the Docker engine at {self._engine.host} stopped answering in the middle of the run: "
                + (" ".join(process.output.tail(1)) or str(process.exit))
            )
        self._ring()

    def _ring(self) -> None:
        news, self._news = self._news, anyio.Event()
        news.set()

    def _take(self, event: Mapping[str, Any]) -> None:
        attributes = event["Actor"].get("Attributes") or {}
        action, _, detail = str(event["Action"]).partition(": ")
        at = int(event["timeNano"])
        if event["Type"] == "network":
            name = self._names.get(attributes.get("container", ""))
            # Starting and dying connect and disconnect as well.
            if name is not None and self.of(name).state == "running":
                self._witness(name, f"network {action}", at)
            return
        if attributes.get(PROJECT) != self._engine.project:
            return
        name = attributes[SERVICE]
        seen = self.of(name)
        if action == "destroy" and event["Actor"]["ID"] != seen.container:
            return
        self._names[event["Actor"]["ID"]] = name
        seen.container = event["Actor"]["ID"]
        if action == "health_status":
            seen.health = detail
        if action in _STATES:
            seen.state = _STATES[action]
        if action == "start":
            seen.started, seen.health = at, "starting"
            self._started(name, seen.ended)
        if action == "die":
            seen.ended = at
        if action in _DEEDS:
            own = self._witness(name, action, at)
            if action == "destroy" and not own and not self.stopping:
                self.trouble = f"the container of node {name} was removed, and not by this run"

    def _witness(self, name: str, action: str, at: int) -> bool:
        """Note a change unless it is the suite's own; returns whether it is."""
        wall = at / 1e9
        # A millisecond more: the engine's clock is not read at the moment ours is.
        if any(begin - 0.001 <= wall <= end + 0.001 for begin, end in self.of(name).own):
            return True
        self.note(Change(wall=wall, what=f"docker {action} {name}"))
        return False
