"""When a process counts as ready. Conditions compose:

    All(LogLine("listening"), Http("http://127.0.0.1:8000/health", json={"status": "ok"}))
    Any_(Port(6379), Succeeds("redis-cli", "ping"))

A condition only waits for its own sign. That the process may end meanwhile, or take too long, is its process'
business.
"""

import json as json_
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from support.supervisor.errors import NotSeen

if TYPE_CHECKING:
    from support.supervisor.process import Process

Seen = MutableMapping[str, str]
"""By condition, what it saw last. Whoever gives up on a process prints it."""

_ATTEMPT = 2.0  # seconds for one HTTP request or connection: a paused server accepts and then says nothing


class Readiness(ABC):
    """One condition; `str` of it says in words what it waits for."""

    @abstractmethod
    async def reached(self, process: "Process", seen: Seen) -> None:
        """Returns when the condition holds, and notes in `seen` what it sees until then."""


@dataclass(frozen=True)
class LogLine(Readiness):
    """A line that matches (`re.search`) has been printed, on any stream."""

    pattern: str | re.Pattern[str]

    def __str__(self) -> str:
        return f"a line matching {re.compile(self.pattern).pattern!r}"

    async def reached(self, process: "Process", seen: Seen) -> None:
        seen[str(self)] = "not printed"
        try:
            await process.output.line(self.pattern, within=float("inf"))
        except NotSeen:
            seen[str(self)] = "not printed, and its output has ended"
            await anyio.sleep_forever()  # hopeless; but another condition may hold, or the process end
        seen[str(self)] = "printed"


@dataclass(frozen=True)
class Http(Readiness):
    """A GET is answered with this status and, if `json` is given, with an object that has at least these
    members.

    Not yet: any transport error (refused, reset, no answer within 2 s), another status, another body.
    """

    url: str
    status: int = 200
    json: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        body = "" if self.json is None else f" and {json_.dumps(self.json)}"
        return f"HTTP {self.status}{body} from {self.url}"

    async def reached(self, process: "Process", seen: Seen) -> None:
        import httpx  # a quarter of a second of CPU, for those who ask for it

        seen[str(self)] = "no answer yet"
        # No proxies and no certificates: it is our own child that we talk to.
        async with httpx.AsyncClient(timeout=_ATTEMPT, trust_env=False, verify=False) as client:
            async for _ in _quickly():
                try:
                    response = await client.get(self.url)
                except httpx.TransportError as error:
                    seen[str(self)] = f"{type(error).__name__}: {error}"
                    continue
                seen[str(self)] = f"HTTP {response.status_code} {response.text[:200]}"
                if response.status_code == self.status and self._fits(response.text):
                    return

    def _fits(self, body: str) -> bool:
        if self.json is None:
            return True
        try:
            members = json_.loads(body)
        except ValueError:
            return False
        return isinstance(members, dict) and all(
            name in members and members[name] == value for name, value in self.json.items()
        )


@dataclass(frozen=True)
class Port(Readiness):
    """Something listens on this TCP port. Not yet: any OSError on connecting, no connection within 2 s."""

    port: int
    host: str = "127.0.0.1"

    def __str__(self) -> str:
        return f"a listener on {self.host}:{self.port}"

    async def reached(self, process: "Process", seen: Seen) -> None:
        seen[str(self)] = "no connection yet"
        async for _ in _quickly():
            try:
                with anyio.move_on_after(_ATTEMPT) as attempt:
                    async with await anyio.connect_tcp(self.host, self.port) as stream:
                        mine = stream.extra(anyio.abc.SocketAttribute.local_address)
                        if mine != stream.extra(anyio.abc.SocketAttribute.remote_address):
                            seen[str(self)] = "connected"
                            return
                        # The kernel chose the very port as ours, and TCP connects a socket to itself.
                        seen[str(self)] = "nobody listens"
                if attempt.cancelled_caught:
                    seen[str(self)] = f"no connection within {_ATTEMPT:g} s"
            except OSError as error:
                seen[str(self)] = str(error.__cause__ or error)


class Succeeds(Readiness):
    """A command, run in the process' working directory and environment, ends with status 0. Not yet: any
    other end."""

    def __init__(self, *argv: str) -> None:
        self.argv = argv

    def __str__(self) -> str:
        return f"success of `{' '.join(self.argv)}`"

    async def reached(self, process: "Process", seen: Seen) -> None:
        seen[str(self)] = "has not ended yet"
        async for _ in _quickly(first=0.02, last=0.2):
            exit_, printed = await process.run(self.argv)
            seen[str(self)] = f"{exit_} {printed}".strip()
            if exit_.status == 0:
                return


class All(Readiness):
    """Every one of these conditions has held."""

    def __init__(self, *conditions: Readiness) -> None:
        self.conditions = conditions

    def __str__(self) -> str:
        return f"all of ({'; '.join(map(str, self.conditions))})"

    async def reached(self, process: "Process", seen: Seen) -> None:
        async with anyio.create_task_group() as tasks:
            for condition in self.conditions:
                tasks.start_soon(condition.reached, process, seen)


class Any_(Readiness):  # noqa: N801
    """One of these conditions holds."""

    def __init__(self, *conditions: Readiness) -> None:
        self.conditions = conditions

    def __str__(self) -> str:
        return f"any of ({'; '.join(map(str, self.conditions))})"

    async def reached(self, process: "Process", seen: Seen) -> None:
        async with anyio.create_task_group() as tasks:

            async def one(condition: Readiness) -> None:
                await condition.reached(process, seen)
                tasks.cancel_scope.cancel()

            for condition in self.conditions:
                tasks.start_soon(one, condition)


async def _quickly(*, first: float = 0.005, last: float = 0.05) -> AsyncIterator[None]:
    """Pauses between attempts, in seconds: short while a start may be quick, never long."""
    pause = first
    while True:
        yield
        await anyio.sleep(pause)
        pause = min(pause * 1.5, last)
