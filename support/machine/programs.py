"""The programs that runs need, or could use: which there are, and how to get the others."""

import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from support.machine.finding import Finding
from support.stacks.redis_server import find_redis_server, redis_version
from support.stacks.tikv_programs import find_binaries
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


def tikv(environ: Mapping[str, str], directory: Path | None = None) -> Finding:
    """The binaries of TiKV on this machine, in `directory` or on the PATH, and what they are."""
    try:
        found = find_binaries(environ, directory)
    except BrokenBed as error:
        seen, _, step = str(error).partition("\ntry: ")
        return Finding(name="TiKV", fits=False, seen=seen, next_step=step)
    described = (
        f"{each.version}{' (a stand-in)' if each.stand_in else ''}, {each.path}" for each in found.values()
    )
    return Finding(name="TiKV", fits=True, seen="; ".join(described))


def browser(environ: Mapping[str, str]) -> Finding:
    """A Chromium, in which the report's page is tested."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return Finding(name="browser", fits=True, seen=found)
    return Finding(
        name="browser", fits=False, seen="no chromium on the PATH", next_step="apt-get install chromium"
    )
