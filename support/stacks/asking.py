"""Programs of this machine are asked for what they can say at once: their version, the state of an engine."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class NoAnswer(Exception):
    """A program gave none; the message says why."""


def asked(
    argv: Sequence[str | Path], environ: Mapping[str, str] | None = None, *, within: float
) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end; its environment is this process' own if none is given.

    Raises NoAnswer when it cannot be started, or has not ended after `within` seconds. What its exit status
    means is the caller's to say.
    """
    try:
        return subprocess.run(
            argv,
            env=environ,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoAnswer(str(error)) from error
