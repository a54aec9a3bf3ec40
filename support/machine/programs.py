"""The programs that runs need, or could use: which there are, and how to get the others."""

import platform
import shutil
import sys
from collections.abc import Mapping

from support.machine.finding import Finding
from support.stacks.redis_server import find_redis_server, redis_version
from support.verdict import BrokenBed


def python() -> Finding:
    """The Python that this runs on, and the kernel below it."""
    return Finding(
        name="Python",
        fits=sys.platform == "linux",
        seen=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        next_step="run it on Linux: processes are supervised by means of its kernel (pidfd, /proc)",
    )


def redis(environ: Mapping[str, str]) -> Finding:
    """The Redis server that a stack would use."""
    try:
        server = find_redis_server(environ)
    except BrokenBed as error:
        seen, _, step = str(error).partition("\ntry: ")
        return Finding(name="Redis", fits=False, seen=seen, next_step=step)
    version = ".".join(map(str, redis_version(server) or ()))
    return Finding(name="Redis", fits=True, seen=f"{version}, {server}")


def tikv(environ: Mapping[str, str]) -> Finding:
    """The binaries of a real TiKV."""
    path = environ.get("PATH")
    there = {name: shutil.which(name, path=path) for name in ("pd-server", "tikv-server")}
    missing = [name for name, found in there.items() if found is None]
    if missing:
        return Finding(
            name="TiKV",
            fits=False,
            seen=f"no {' and no '.join(missing)} on the PATH",
            next_step="put pd-server and tikv-server of a TiKV release on the PATH",
        )
    return Finding(name="TiKV", fits=True, seen=", ".join(str(found) for found in there.values()))


def browser(environ: Mapping[str, str]) -> Finding:
    """A Chromium, in which the report's page is tested."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return Finding(name="browser", fits=True, seen=found)
    return Finding(
        name="browser", fits=False, seen="no chromium on the PATH", next_step="apt-get install chromium"
    )
