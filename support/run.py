"""What one run owns: its settings, its operator's profile, the guardian, the event loop, the redactor."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from support.evidence.redaction import Redactor
from support.gherkin import EventLoop
from support.preparation import Prepared
from support.report.write import EVIDENCE
from support.stacks.joined import joined_ratelimiter
from support.stacks.process import ratelimiter_on_processes
from support.stacks.shared import SharedStacks, shared_stacks
from support.stacks.stack import Stack
from support.supervisor import Guardian, Supervisor, sweep
from support.verdict import BrokenBed

_SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


OnEvent = Callable[[str, str, Mapping[str, object]], None]
"""Is told of what happens to processes: kind of event, process, detail."""


@dataclass(frozen=True, kw_only=True)
class FeatureRoom:
    """Where the scenarios of one feature keep their evidence, and the stacks they share."""

    evidence: Path
    stacks: SharedStacks


class Run:
    """One run of the suite, from its first hook to its last."""

    def __init__(self, prepared: Prepared) -> None:
        self.settings = prepared.settings
        self.profile = prepared.profile
        self.sabotage = prepared.sabotage
        self.redactor = Redactor({name: os.environ[name] for name in _SECRETS if os.environ.get(name)})
        self._exits = ExitStack()
        self._opened = 0

    def __enter__(self) -> Self:
        sweep()
        self.guardian = self._exits.enter_context(Guardian.start())
        self.loop = self._exits.enter_context(EventLoop())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    def directory(self, name: str) -> Path:
        """Make a new private directory of this run; its path is short enough for a unix socket."""
        self._opened += 1
        directory = self.guardian.directory / f"{name}{self._opened}"
        directory.mkdir()
        return directory

    def supervisor(self, spools: Path, *, on_event: OnEvent | None = None) -> Supervisor:
        """A supervisor under this run's guardian, which masks this run's secrets."""
        return Supervisor(spools, guardian=self.guardian, mask=self.redactor.mask, on_event=on_event)

    @asynccontextmanager
    async def feature(self, name: str) -> AsyncIterator[FeatureRoom]:
        """Open what the scenarios of one feature share."""
        evidence = self.settings.reports / EVIDENCE / name
        started = 0

        @asynccontextmanager
        async def open_stack(subject: str) -> AsyncIterator[Stack]:
            nonlocal started
            if subject != "ratelimiter":
                raise BrokenBed(f"there is no stack for subject {subject}")
            if self.settings.join is not None:
                async with joined_ratelimiter(self.settings.join) as joined:
                    yield joined
                return
            started += 1
            async with (
                self.supervisor(evidence / f"stack-{started}") as supervisor,
                ratelimiter_on_processes(
                    directory=self.directory("s"), supervisor=supervisor, environ=os.environ
                ) as stack,
            ):
                yield stack

        async with shared_stacks(open_stack) as stacks:
            yield FeatureRoom(evidence=evidence, stacks=stacks)
