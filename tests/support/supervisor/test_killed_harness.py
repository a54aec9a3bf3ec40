"""Nothing outlives a harness that is killed with SIGKILL, at whatever instant."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

INSTANTS = 60
SIDE_BY_SIDE = 6
WITHIN = 5.0  # seconds after the end of the harness; what the design promises

# Starts everything that is hard to catch, over and over, until it is killed.
HARNESS = """
import sys
sys.path[:0] = sys.argv[1].split(":")
import os
from pathlib import Path
import anyio
from support.supervisor import Command, Guardian, LogLine, Supervisor

home, token, redis = Path(sys.argv[2]), sys.argv[3], sys.argv[4]
ESCAPES = (
    "sleep 300 & sleep 300; : $0",
    "setsid bash -c 'echo up; sleep 300; :' $0 & wait",
    "(cd / && setsid bash -c '(cd /; exec -a $0 sleep 300) & exit 0' $0); echo up; exit 0",
    "trap '' TERM HUP INT; while :; do sleep 1; done; : $0",
)

async def main():
    with Guardian.start(home) as guardian:
        print("began", flush=True)
        async with Supervisor(guardian.directory / "spools", guardian=guardian) as supervisor:
            for number in range(1000):
                for script in ESCAPES:
                    argv = ["bash", "-c", script, token]
                    env = {"PATH": os.environ["PATH"]}
                    await supervisor.spawn(Command(name="escape", argv=argv, cwd=guardian.directory, env=env))
                cwd = guardian.directory / f"redis{number}-{token}"
                cwd.mkdir()
                argv = [redis, "--port", "0", "--unixsocket", f"{cwd}/s", "--save", ""]
                server = await supervisor.start(
                    Command(name="redis", argv=argv, cwd=cwd, env={}, ready=LogLine("Ready to accept"))
                )
                if number % 3 == 2:
                    await server.stop()

anyio.run(main)
"""


def survivors(token: str) -> list[str]:
    """Living processes that carry the word in command line, environment or working directory."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = Path(entry.path, "cmdline").read_bytes() + Path(entry.path, "environ").read_bytes()
                text += bytes(Path(entry.path, "cwd").readlink())
                state = Path(entry.path, "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if token.encode() in text and state not in "ZX":
                found.append(f"{entry.name} {text[:200]!r}")
    return found


def seconds_until_all_is_gone(directory: Path, redis_server: str, instant: float) -> float:
    """Runs one harness, kills it after so many seconds, and watches what becomes of its processes."""
    token = f"token-{uuid.uuid4().hex}"
    home = directory / token
    argv = [sys.executable, "-c", HARNESS, ":".join(sys.path), str(home), token, redis_server]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd="/") as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"began\n"
        time.sleep(instant)
        harness.send_signal(signal.SIGKILL)
        harness.wait()
        killed = time.monotonic()
    while (left := survivors(token)) or list(home.iterdir()):
        if time.monotonic() - killed > 60:
            raise AssertionError(
                f"killed after {instant:.3f} s, and still there: {left}, {list(home.iterdir())}"
            )
        time.sleep(0.02)
    return time.monotonic() - killed


@pytest.fixture
def short_directory(tmp_path_factory):
    directory = Path("/tmp") / f"k{uuid.uuid4().hex[:8]}"
    directory.mkdir(mode=0o700)
    yield directory
    shutil.rmtree(directory)


def test_everything_is_gone_soon_after_a_harness_was_killed_at_a_random_instant(
    short_directory, redis_server
):
    chance = random.Random()
    instants = [chance.uniform(0, 0.6) for _ in range(INSTANTS)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        jobs = [pool.submit(seconds_until_all_is_gone, short_directory, redis_server, at) for at in instants]
        took = [job.result() for job in jobs]
    assert max(took) <= WITHIN, sorted(took)
