"""What can go wrong with processes, said so that a person at a terminal knows what to look at next."""

from support.supervisor.commands import Exit
from support.supervisor.leftovers import ProcessInfo
from support.supervisor.reading import Line


class ProcessError(Exception):
    """Something about a process is not as expected."""


class CannotStart(ProcessError):
    """The program could not be executed at all."""


class DiedEarly(ProcessError):
    """The process ended before it was ready, or while it was being watched."""

    def __init__(self, message: str, exit: Exit) -> None:  # noqa: A002
        super().__init__(message)
        self.exit = exit


class NotReady(ProcessError):
    """The process did not become ready in time."""


class NotSeen(ProcessError):
    """A line that was waited for did not come."""


class Unexpected(ProcessError):
    """A line came that should never come."""

    def __init__(self, message: str, line: Line) -> None:
        super().__init__(message)
        self.line = line


class LeftBehind(ProcessError):
    """Processes that could not be killed."""

    def __init__(self, message: str, processes: tuple[ProcessInfo, ...]) -> None:
        super().__init__(message)
        self.processes = processes
