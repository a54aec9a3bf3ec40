"""Textual's driver for a terminal that may go away: nothing hangs and nothing is raised when it has."""

from contextlib import suppress
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver

__all__ = ["SturdyDriver"]


class _Forgiving:
    """A stream whose reader may be gone."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()


class SturdyDriver(LinuxDriver):
    """As its parent (textual 8.2), which stops writing at the first error and then waits for ever."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file: Any = _Forgiving(self._file)

    def run_input_thread(self) -> None:
        with suppress(OSError):
            super().run_input_thread()
