"""A real run that is ended from outside while its fault is in place."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GONE_WITHIN = 5.0


@pytest.fixture
def home(tmp_path):
    """Where the run keeps its private directories; the path is short, for unix sockets."""
    directory = Path("/tmp") / f"t{os.getpid()}-{tmp_path.name[-6:]}"
    directory.mkdir(mode=0o700)
    yield directory
    assert not list(directory.rglob("*.sock"))
    subprocess.run(["rm", "-rf", directory], check=True)


def start(home: Path, reports: Path) -> subprocess.Popen[str]:
    run = subprocess.Popen(
        [sys.executable, "-m", "behave", "-D", f"reports={reports}", "--tags", "@DEMO-05.5"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: "fault.injected" in kinds(reports), within=60)
    return run


def kinds(reports: Path) -> list[str]:
    return [
        json.loads(line)["kind"]
        for path in reports.rglob("timeline.ndjson")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def wait_for(condition, *, within: float) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def processes_of(home: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            directory = str((process / "cwd").readlink())
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and (str(home).encode() in environment or directory.startswith(str(home))):
            found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_fault_is_healed_and_everything_is_gone(number, home, tmp_path):
    run = start(home, tmp_path)
    run.send_signal(number)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 128 + number, output
    assert "fault.healed" in kinds(tmp_path)
    assert processes_of(home) == []
    assert not any(path.is_dir() for path in home.glob("*/*"))
    report = json.loads((tmp_path / "traceability.json").read_text(encoding="utf-8"))
    assert report["run"]["interrupted"] == number.name
    statuses = {c["id"]: c["status"] for r in report["requirements"] for c in r["criteria"]}
    assert statuses["DEMO-05.5"] != "passed"


def test_after_sigkill_everything_is_gone_within_seconds(home, tmp_path):
    run = start(home, tmp_path)
    assert processes_of(home)
    run.kill()
    run.communicate(timeout=60)
    wait_for(lambda: processes_of(home) == [], within=GONE_WITHIN)
    wait_for(lambda: not any(path.is_dir() for path in home.glob("*/*")), within=GONE_WITHIN)
    assert list(tmp_path.rglob("monitor.stdout")), "what was printed before is kept"
