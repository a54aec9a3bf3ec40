"""What is to be started, and how it ended."""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.supervisor.readiness import Readiness


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """A pseudo-terminal of this size in place of pipes."""

    columns: int = 80
    rows: int = 24


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program to start."""

    name: str
    """Names its spools, events and errors: "redis", "monitor"."""
    argv: Sequence[str]
    """The program is looked for on the PATH of `env`."""
    cwd: Path
    env: Mapping[str, str]
    """The complete environment, save for the one variable that marks what the run started; nothing is
    inherited."""
    ready: "Readiness | None" = None
    ready_within: float = 20.0
    """Seconds."""
    grace: float = 5.0
    """Seconds between SIGTERM and SIGKILL."""
    terminal: Terminal | None = None

    def __post_init__(self) -> None:
        if not self.argv:
            raise ValueError(f"{self.name}: argv is empty, so there is nothing to start")
        if not self.name or "/" in self.name:
            raise ValueError(f"{self.name!r} cannot be the name of a command: it names files")


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a process ended. Both `status` and `signal` are None if other code of this program has taken the
    news."""

    status: int | None
    signal: int | None
    at: int
    """Monotonic nanoseconds."""

    def __str__(self) -> str:
        if self.signal is not None:
            return f"killed by {_signal_name(self.signal)}"
        return "exit status unknown" if self.status is None else f"exit status {self.status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"
