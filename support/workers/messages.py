"""What a worker says to the run, and what the run needs to show a scenario that a worker has run."""

from dataclasses import dataclass
from typing import Any

from support.report.model import ScenarioResult

__all__ = ["Ended", "PlayedScenario", "PlayedStep", "Reached"]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A worker is at this sentence of its task, of the scenario with this name."""

    name: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class PlayedStep:
    """How behave left a step: `error` names the type of its exception and says what it said.

    `told` says whether formatters were told of it, `attached` are the types and data of its attachments.
    """

    status: str
    duration: float
    error_message: str | None
    error: tuple[str, str] | None
    captured: tuple[Any, ...]
    told: bool
    attached: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, kw_only=True)
class PlayedScenario:
    """How a scenario came out, as a result and as behave's formatters and reporters want it."""

    index: int
    result: ScenarioResult
    failed: bool
    status: str
    hook_failed: bool
    skip_reason: str | None
    error_message: str | None
    captured: tuple[Any, ...]
    steps: tuple[PlayedStep, ...]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A task has ended or, with `left`, the worker itself: nothing of it is left then.

    `broken` and `problems` are what happened beside the sentences since the last message: of the whole
    run, and with no verdict to show it. `aborted` says that a hook has ended the run.
    """

    played: tuple[PlayedScenario, ...] = ()
    broken: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    aborted: bool = False
    left: bool = False
    failed: bool = False
