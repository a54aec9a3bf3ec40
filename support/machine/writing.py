"""Whether a directory can take what a run writes. Looking leaves nothing there."""

import errno
import os
from pathlib import Path

ROOM = 1 << 20
"""Bytes that must fit into a directory that a run writes to; the default run needs about as much."""


def cannot_write(directory: Path) -> str:
    """Why nothing can be written into a directory that is there, in words; empty when it can."""
    probe = directory / f".room-{os.getpid()}"
    try:
        try:
            descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                left = ROOM
                while left:
                    left -= os.write(descriptor, b"\0" * left)
            finally:
                os.close(descriptor)
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return f"there is no room for {ROOM >> 10} KiB in {directory}: {error.strerror}"
        return f"{directory} cannot be written to: {error.strerror}"
    return ""
