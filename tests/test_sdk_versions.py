"""The operator on the oldest and the newest SDK it claims to work with, judged by what is on the wire.

An old SDK is installed into a directory of its own; where no package index can be reached those tests
are skipped.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib import metadata
from pathlib import Path

import anyio
import pytest

from support.evidence.eventually import eventually
from support.evidence.matchers import a_worked_ticket
from support.evidence.records import place_ticket, read_records
from support.evidence.witnesses import conversations, differences
from support.model import Conversation, ModelDouble, Reply, Story, story
from support.model.misbehaving import first_time
from support.model.trouble import TROUBLES
from systems.operator.sdk import OLDEST

ROOT = Path(__file__).parents[1]
BEFORE_THREADS = "2.1.0"  # the last that sends the whole history with every request
NEWEST = metadata.version("anthropic")

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def sdk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Where the SDK of the version asked for is installed; None for the one that is installed anyway."""
    version = request.param
    if version == NEWEST:
        return None
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed, so no other SDK can be")
    target = tmp_path_factory.mktemp("sdk")
    command = [uv, "pip", "install", "-q", "--python", sys.executable, "--target", str(target)]
    done = subprocess.run(
        [*command, f"anthropic=={version}"],
        cwd=target,  # away from this project, whose pins would rule the old version out
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        pytest.skip(f"anthropic {version} cannot be installed here: {done.stderr.strip()[-300:]}")
    return target


@story
def look_twice(conversation: Conversation) -> Story:
    """Runs two commands, one after the other, and says what came of them."""
    first = yield Reply("I look.", ["echo one"])
    second = yield Reply(f"I saw: {first.output}", ["echo two"])
    return Reply(f"RESOLVED: {second.output}")


@contextlib.asynccontextmanager
async def agent(database: Path, double: ModelDouble, sdk: Path | None) -> AsyncIterator[None]:
    """The built-in agent, on this SDK, until the block is left."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(database.parent),
        "ANTHROPIC_API_KEY": "dummy-key-0123456789",
        "ANTHROPIC_BASE_URL": double.url,
        "OPERATOR_SAFETY_MODE": "execute",
        "PYTHONPATH": str(sdk or ""),
    }
    command = [sys.executable, "-m", "systems.operator", "agent", str(database)]
    async with await anyio.open_process(command, cwd=ROOT, env=environment, stderr=None) as process:
        assert process.stdout is not None
        await process.stdout.receive()  # it says that it is ready
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("sdk", "version"),
    [(version, version) for version in (OLDEST, BEFORE_THREADS, NEWEST)],
    indirect=["sdk"],
)
async def test_a_ticket_is_worked_and_recorded_whatever_the_sdk(
    sdk: Path | None, version: str, tmp_path: Path
) -> None:
    database = tmp_path / "tickets.db"
    script = first_time(TROUBLES["is overloaded (529)"], look_twice)
    async with ModelDouble(script) as double, agent(database, double, sdk):
        place_ticket(database, "over_limit", "checkout", "it is over its limit")
        await eventually(lambda: read_records(database), a_worked_ticket(), within=60)
        records = read_records(database)
        used = {each.headers["x-stainless-package-version"] for each in double.exchanges}
        (conversation,) = conversations(double.exchanges)
    assert used == {version}
    assert records.tickets[0].status == "resolved", records.tickets[0].diagnosis
    assert differences(records.sessions[0], conversation) == []
    assert sum(each.troubled for each in double.exchanges) == 2
    assert double.unanswered == ()
