"""Small programs to supervise, and a look at the process table that shares no code with the supervisor."""

import os
import sys
import textwrap
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.supervisor import Command, Guardian, Supervisor

ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "xterm-256color"}


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    async with Supervisor(tmp_path / "spools") as supervisor:
        yield supervisor


@pytest.fixture
def guardian(tmp_path: Path) -> Iterator[Guardian]:
    with Guardian.start(tmp_path / "home") as guardian:
        yield guardian


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Command]:
    """Makes a command that runs a piece of Python."""

    def command(code: str, *arguments: str, name: str = "program", **options: Any) -> Command:
        argv = [sys.executable, "-u", "-S", "-c", textwrap.dedent(code), *arguments]
        return Command(name=name, argv=argv, **{"cwd": tmp_path, "env": ENVIRONMENT, **options})

    return command


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., Command]:
    """Makes a command that runs a shell script."""

    def command(script: str, *arguments: str, name: str = "script", **options: Any) -> Command:
        argv = ["bash", "-c", textwrap.dedent(script), name, *arguments]
        return Command(name=name, argv=argv, **{"cwd": tmp_path, "env": ENVIRONMENT, **options})

    return command


@pytest.fixture
def token() -> str:
    """A word that no command line on this machine has."""
    return f"token-{uuid.uuid4().hex}"


@pytest.fixture
def alive() -> Callable[[str], dict[int, str]]:
    """The living processes (no zombies) with a word in their command line, by pid."""

    def find(word: str) -> dict[int, str]:
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                except OSError:
                    continue
                if word in line and state not in "ZX":
                    found[int(entry.name)] = line
        return found

    return find


@pytest.fixture
def redis_server() -> str:
    """The path of a real redis-server."""
    beside = Path(sys.executable).parent / "redis-server"
    return str(beside) if beside.exists() else "redis-server"


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Waits until something is true of the world outside, for half a minute at most."""

    async def wait(what: Callable[[], Any]) -> Any:
        with anyio.fail_after(30):
            while not (result := what()):  # noqa: ASYNC110
                await anyio.sleep(0.01)
        return result

    return wait
