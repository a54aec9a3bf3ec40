"""A real run on a real stack that is ended from outside while a fault is being injected, or healed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_interrupted_run import GONE_WITHIN, processes_of, wait_for

ROOT = Path(__file__).parents[1]

_PYPROJECT = """
[tool.behave]
paths = ["features"]
runner = "support.runner:AcceptanceRunner"
default_format = "acceptance"

[tool.behave.formatters]
acceptance = "support.report.formatter:ConsoleFormatter"
"""

_STEPS = """
import os
from pathlib import Path

import anyio

from support.faults.process import NodePaused
from support.gherkin import given, when

NOTES = Path(os.environ["NOTES"])


class Slow(NodePaused):
    '''A node is paused, in two halves with time between them; it is healed in two halves as well.'''

    async def inject(self):
        await super().inject()
        (NOTES / "half injected").touch()
        await anyio.sleep(SECONDS["inject"])

    async def shown(self):
        return True

    async def heal(self):
        (NOTES / "half healed").touch()
        await anyio.sleep(SECONDS["heal"])
        await super().heal()
        (NOTES / "healed").write_text(self._node.state)


@given("a stack")
async def borrow(bed):
    await bed.borrow_stack("ratelimiter")


@when("a node is paused, slowly")
async def pause(bed):
    await bed.inject(Slow(bed.stack, node="ratelimiter-2"))
"""


@pytest.fixture
def home(tmp_path):
    """Where the run keeps its private directories; the path is short, for unix sockets."""
    directory = Path("/tmp") / f"f{os.getpid()}-{tmp_path.name[-6:]}"
    directory.mkdir(mode=0o700)
    yield directory
    subprocess.run(["rm", "-rf", directory], check=True)


def start(tree: Path, home: Path, *, until: str) -> subprocess.Popen[str]:
    """Start a run in `tree` and return when its fault is half injected, or half healed."""
    seconds = {"inject": 60, "heal": 0} if until == "half injected" else {"inject": 0, "heal": 1}
    for name, text in {
        "pyproject.toml": _PYPROJECT,
        "steps/words.py": f"SECONDS = {seconds}\n{_STEPS}",
        "features/requirements.toml": (ROOT / "features/requirements.toml").read_text(),
        "features/one.feature": "@DEMO-05.4\nFeature: One\n  Scenario: One\n"
        "    Given a stack\n    When a node is paused, slowly\n",
    }.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "environment.py", tree)
    run = subprocess.Popen(
        [sys.executable, "-m", "behave", "-D", f"operator={ROOT / 'systems/operator/profile.toml'}"],
        cwd=tree,
        env={**os.environ, "TMPDIR": str(home), "NOTES": str(tree), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for((tree / until).exists, within=60)
    return run


@pytest.mark.parametrize("moment", ["half injected", "half healed"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_fault_is_healed_to_its_end(moment, number, home, tmp_path):
    run = start(tmp_path, home, until=moment)
    run.send_signal(number)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 128 + number, output
    assert (tmp_path / "healed").read_text() == "running"
    assert processes_of(home) == []
    report = json.loads((tmp_path / "reports/traceability.json").read_text(encoding="utf-8"))
    statuses = {c["id"]: c["status"] for r in report["requirements"] for c in r["criteria"]}
    assert statuses["DEMO-05.4"] != "failed"


@pytest.mark.parametrize("moment", ["half injected", "half healed"])
def test_after_sigkill_everything_is_gone(moment, home, tmp_path):
    run = start(tmp_path, home, until=moment)
    run.kill()
    run.communicate(timeout=60)
    wait_for(lambda: processes_of(home) == [], within=GONE_WITHIN)
    wait_for(lambda: not any(path.is_dir() for path in home.glob("*/*")), within=GONE_WITHIN)
