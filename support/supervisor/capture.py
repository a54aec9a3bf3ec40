"""Takes in what comes out of one pipe or pseudo-terminal and writes it to a spool."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from support.supervisor.poller import Poller
from support.supervisor.reading import Line, LineCount, Scan
from support.supervisor.spool import Bell, Mask, Spool

PIPE_SIZE = 256 * 1024
"""Bytes. More makes no difference to speed, and a user's pipes together should stay below
/proc/sys/fs/pipe-user-pages-soft (64 MiB), beyond which the kernel makes every new pipe tiny."""


class Capture:
    """One stream of one process: its descriptor, as long as it is open, and its spool."""

    def __init__(
        self, fd: int, path: Path, *, name: str, mask: Mask | None, bell: Bell, poller: Poller
    ) -> None:
        """Takes over `fd`, and takes in what comes until the last holder of the other end has closed it, or
        `close` is called. The bell rings when a line has ended, on a terminal for anything, and when the
        process has ended."""
        os.set_blocking(fd, False)
        self.name = name
        self.path = path
        self.drained = False
        """Everything that the process itself printed has been taken in."""
        self._fd = fd
        self._over = False
        self._released = False
        self._bell = bell
        self._count = LineCount(path)
        self._spool = Spool(path, mask=mask, on_write=self._written)
        self._poller = poller
        poller.add(fd, self._readable)

    @property
    def fd(self) -> int | None:
        """The descriptor, None once nothing can come from it any more."""
        return None if self._over else self._fd

    @property
    def size(self) -> int:
        """Bytes in the spool."""
        return self._spool.size

    @property
    def last_line(self) -> int:
        """Offset in the spool where the line begins that is being written."""
        return self._spool.last_line

    def catch_up(self) -> None:
        """Takes in what has been printed by now. A process that goes on printing does not make this
        longer."""
        taken = 0
        while taken < PIPE_SIZE and (more := self._take()):
            taken += more

    def process_ended(self) -> None:
        """What the process itself printed is in the pipe now at the latest; a descendant may still add to
        it."""
        self.catch_up()
        self.drained = True
        self._bell.ring()

    def close(self) -> None:
        """Takes in what there is and lets go of the other end, whoever still holds it."""
        self.catch_up()
        self._end()
        self._release()

    def scan(self, pattern: re.Pattern[str] | None, start: int) -> Scan:
        return Scan(self.path, stream=self.name, count=self._count, start=start, pattern=pattern)

    def so_far(self, pattern: re.Pattern[str] | None, start: int) -> Iterator[Line]:
        """The matching lines from `start` to what is now the end, an unfinished last one included."""
        upto = self.size
        with self.scan(pattern, start) as scan:
            while (lines := scan.step(upto)) is not None:
                yield from lines
            last = scan.rest(upto)
            if last is not None:
                yield last

    def _readable(self) -> None:
        """Takes in one piece only: a flood must not keep others from their turn."""
        if self._take() == 0:
            self._release()

    def _take(self) -> int | None:
        """Bytes taken in; 0 at the end, None if there is nothing now."""
        if self._over:
            return 0
        try:
            data = os.read(self._fd, PIPE_SIZE)
        except BlockingIOError:
            return None
        except OSError:  # EIO: nobody has the other side of the pseudo-terminal open any more
            data = b""
        if not data:
            self._end()
            return 0
        self._spool.write(data)
        return len(data)

    def _end(self) -> None:
        if not self._over:
            self._over = self.drained = True
            self._spool.close()

    def _release(self) -> None:
        if not self._released:
            self._released = True
            self._poller.remove(self._fd)
            os.close(self._fd)

    def _written(self, line_ended: bool) -> None:
        if line_ended or self.name == "terminal":
            self._bell.ring()
