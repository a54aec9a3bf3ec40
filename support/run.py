"""What one run owns: its settings, its operator's profile, the guardian, the event loop, the redactor.

Everything that can be wrong with the settings is found here, before anything is started.
"""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.config import Settings, load_settings
from support.evidence.redaction import Redactor, secrets_of
from support.gherkin import EventLoop
from support.profile import Profile, load_profile
from support.report.write import EVIDENCE
from support.sabotage.sabotage import Sabotage, load_sabotage
from support.stacks.process import ratelimiter_on_processes
from support.stacks.shared import SharedStacks, shared_stacks
from support.stacks.stack import Stack
from support.supervisor import Guardian, Supervisor, sweep
from support.verdict import BrokenBed

BUILT_IN = Path("systems/operator/profile.toml")

OnEvent = Callable[[str, str, Mapping[str, object]], None]
"""Is told of what happens to processes: kind of event, process, detail."""


@dataclass(frozen=True, kw_only=True)
class FeatureRoom:
    """Where the scenarios of one feature keep their evidence, and the stacks they share."""

    evidence: Path
    stacks: SharedStacks


class Run:
    """One run of the suite, from its first hook to its last."""

    def __init__(self, settings: Settings, profile: Profile, sabotage: Sabotage | None) -> None:
        self.settings = settings
        self.profile = profile
        self.sabotage = sabotage
        self.redactor = Redactor(secrets_of(os.environ))
        self._exits = ExitStack()
        self._opened = 0

    @classmethod
    def prepare(cls, config: Any, *, base: Path) -> "Run":
        """Check everything that behave's configuration and the environment ask for.

        Raises SettingError, ProfileError or SabotageError.
        """
        defines = dict(config.userdata_defines or ())
        settings = load_settings(
            defines=defines,
            environ=os.environ,
            file={name: value for name, value in config.userdata.items() if name not in defines},
            base=base,
        )
        profile = load_profile(settings.operator or base / BUILT_IN)
        return cls(settings, profile, load_sabotage(settings.sabotage) if settings.sabotage else None)

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
