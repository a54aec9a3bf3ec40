"""What the default run needs of this machine, and what else it could use."""

import os
import socket
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from support.config import Settings
from support.machine import docker, ports, programs, temporary
from support.machine.finding import Finding, Unready

_ANSWERS_WITHIN = 5.0

_Look = Callable[[Mapping[str, str]], Finding]

NEEDED: tuple[_Look, ...] = (
    lambda _: programs.python(),
    temporary.temporary_directory,
    lambda _: ports.loopback_ports(),
    programs.redis,
)
"""Without any of these the default run cannot run."""

USABLE: tuple[_Look, ...] = (programs.tikv, programs.browser)
"""What some runs can use beside that, and beside Docker (`docker.findings`)."""


def require(subjects: Collection[str], settings: Settings) -> None:
    """Raise Unready unless stacks of these subjects can be started here, or joined, as it is set."""
    temporary.temporary_directory(os.environ).require()
    ports.loopback_ports().require()
    if "tikv" in subjects and settings.stack == "native":
        programs.tikv(os.environ, settings.tikv_bin).require()
    if settings.stack == "docker":
        docker.require(os.environ)
    elif settings.join is not None:
        _require_stack(settings.join)
    elif "ratelimiter" in subjects:
        programs.redis(os.environ).require()


def _require_stack(control: Path) -> None:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWERS_WITHIN)
            connection.connect(str(control))
    except OSError as error:
        raise Unready(
            f"join: no stack answers at {control}: {error.strerror or error}\n"
            "try: acceptance up ratelimiter, or up tikv, which prints the socket of the stack it starts"
        ) from error
