"""Makes this process the one that orphans among its descendants come to, in place of init."""

import ctypes
import os

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


def become_subreaper() -> None:
    """For as long as this process lives. See prctl(2), PR_SET_CHILD_SUBREAPER."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
