"""Who is alive to hold a ticket: one lock per agent process, which the kernel lets go at its death.

Every agent locks one byte, that of its own number, of a file beside the database. The lock is an
open file description lock (fcntl(2), F_OFD_SETLK): it stays while the process is stopped or busy and
ends with the process however that dies. The agent's warden shares it, the commands do not: so an
agent counts as alive until nothing of what it was doing runs any more.
"""

import fcntl
import os
import struct
from pathlib import Path
from types import TracebackType

# struct flock of Linux on 64-bit machines: l_type, l_whence, l_start, l_len, l_pid.
_FLOCK = "hhqqi"


class Roll:
    """The agents that are alive on one database, and this process's own place among them."""

    def __init__(self, database: Path) -> None:
        real = database.resolve()
        self._file = os.open(
            real.with_name(real.name + "-agents"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
        )

    def join(self, agent_id: int) -> None:
        """Be alive as agent `agent_id` until this process ends or leaves the roll.

        Raises `BlockingIOError` if another process is that agent.
        """
        fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, _lock_of(agent_id))

    def is_alive(self, agent_id: int) -> bool:
        """Whether some other process is agent `agent_id` now; asking does not disturb it."""
        answer = fcntl.fcntl(self._file, fcntl.F_OFD_GETLK, _lock_of(agent_id))
        return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)

    def fileno(self) -> int:
        """The descriptor that carries the lock: whoever inherits it keeps the agent alive."""
        return self._file

    def leave(self) -> None:
        """Be alive no more."""
        os.close(self._file)

    def __enter__(self) -> "Roll":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()


def _lock_of(agent_id: int) -> bytes:
    return struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, agent_id, 1, 0)
