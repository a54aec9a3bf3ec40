"""The reports directory of a run, claimed before anything is started: nobody else writes to it meanwhile."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.machine.finding import Unready
from support.machine.writing import cannot_write

_LOCK = ".run.lock"
_ELSEWHERE = "try: -D reports=DIRECTORY to write somewhere else"


@contextmanager
def claimed(reports: Path) -> Iterator[None]:
    """Have the directory to oneself, made if need be; what an earlier run left in it is not touched.

    Raises Unready when another run has it, or when it cannot take a report.
    """
    try:
        reports.mkdir(parents=True, exist_ok=True)
        lock = os.open(reports / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Unready(
            f"reports: {error.filename or reports} cannot be written to: {error.strerror}\n{_ELSEWHERE}"
        ) from error
    try:
        _lock(lock, reports)
        if problem := cannot_write(reports):
            raise Unready(f"reports: {problem}\n{_ELSEWHERE}")
        yield
    finally:
        os.close(lock)


def _lock(lock: int, reports: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
        raise Unready(
            f"reports: another run writes to {reports}, pid {owner}; wait for its end\n{_ELSEWHERE}"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
