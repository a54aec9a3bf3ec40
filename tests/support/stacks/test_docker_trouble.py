"""An engine that fails in the middle of a run: a broken bed with its reason, and nothing is left.

The engine is one of the test's own, on a disk of its own, which can be stopped and filled. That takes root,
dockerd, and the images on the engine that is there already.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LABEL = "operator-acceptance.run"
SCENARIO = 'node "ratelimiter-1" is killed: it is noticed, once'
IMAGES = {
    "REDIS_IMAGE": "redis:7.4.2-bookworm",
    "RATELIMITER_IMAGE": "operator-acceptance/ratelimiter:0.1.0",
}


def wait_for(condition, *, within, said=lambda: ""):
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"it never came true; {said()}"
        time.sleep(0.05)


class Engine:
    """A Docker engine that can be ended and started again, with its data on a disk in memory."""

    def __init__(self, directory):
        self.directory = directory
        self.disk = directory / "data"
        self.host = f"unix://{directory}/docker.sock"
        self.disk.mkdir()
        # A network of its own, where it cannot come into the way of another engine.
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        home = Path("/proc/self/ns/net").readlink()
        wait_for(lambda: Path(f"/proc/{self.holder.pid}/ns/net").readlink() != home, within=10)
        self.inside = ("nsenter", f"--net=/proc/{self.holder.pid}/ns/net")
        subprocess.run([*self.inside, "ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", self.disk], check=True)

    def start(self):
        # Its containerd died with it, and looks alive where nobody has reaped it.
        (self.directory / "exec/containerd/containerd.pid").unlink(missing_ok=True)
        said = self.directory / "said"
        with said.open("w") as output:
            self.process = subprocess.Popen(
                [
                    *(
                        *self.inside,
                        "dockerd",
                        "--data-root",
                        self.disk,
                        "--exec-root",
                        self.directory / "exec",
                    ),
                    *("--pidfile", self.directory / "pid", "-H", self.host, "--iptables=false"),
                ],
                stdout=output,
                stderr=output,
            )
        answers = ["docker", "-H", self.host, "version"]
        wait_for(
            lambda: subprocess.run(answers, capture_output=True).returncode == 0,
            within=60,
            said=said.read_text,
        )

    def kill(self):
        self.process.kill()
        self.process.wait()

    def fill(self):
        """Leave no room on its disk."""
        used = shutil.disk_usage(self.disk).used
        subprocess.run(["mount", "-o", f"remount,size={used}", self.disk], check=True)

    def empty(self):
        subprocess.run(["mount", "-o", "remount,size=3g", self.disk], check=True)

    def close(self):
        try:
            if self.process.poll() is not None:
                self.start()  # or its containers would run on
            if running := self.ask("ps", "--all", "--quiet"):
                self.ask("rm", "--force", *running)
        finally:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.holder.kill()
            self.holder.wait()
            mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
            for place in sorted(mounted, reverse=True):
                if place.startswith(f"{self.directory}/"):
                    subprocess.run(["umount", "--lazy", place], check=True)

    def ask(self, *words):
        return subprocess.run(
            ["docker", "-H", self.host, *words], check=True, capture_output=True, text=True, timeout=60
        ).stdout.split()

    def left(self):
        """What is there of runs."""
        kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        return [word for kind in kinds for word in self.ask(*kind, "--quiet", "--filter", f"label={LABEL}")]


@pytest.fixture(scope="module")
def engine(engine_environ, tmp_path_factory):
    missing = [each for each in ("dockerd", "ip", "nsenter", "unshare") if shutil.which(each) is None]
    if os.getuid() != 0 or missing:
        pytest.skip(f"an engine of its own takes root and {', '.join(missing) or 'nothing else'}")
    directory = Path(f"/tmp/e{os.getpid()}")  # short, for unix sockets
    directory.mkdir()
    engine = Engine(directory)
    try:
        engine.start()
        images = [engine_environ.get(name, default) for name, default in IMAGES.items()]
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "-H", engine.host, "load"], stdin=saved.stdout, check=True)
        yield engine
    finally:
        engine.close()
        shutil.rmtree(directory)


@pytest.fixture
def suite(engine, tmp_path):
    """The suite, run on this engine until its fault is in place, and what is known of it afterwards."""
    home = engine.directory / "runs"
    home.mkdir(exist_ok=True)
    environ = {**os.environ, "DOCKER_HOST": engine.host, "TMPDIR": str(home)}
    run = subprocess.Popen(
        [
            *(
                *engine.inside,
                sys.executable,
                "-m",
                "behave",
                "-D",
                "stack=docker",
                "-D",
                f"reports={tmp_path}",
            ),
            *("--name", SCENARIO, "features/operator/rate_limiter_faults.feature"),
        ],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(lambda: "fault.injected" in timeline(tmp_path) or run.poll() is not None, within=90)
        yield run
    finally:
        run.kill()
        run.wait()


def timeline(reports):
    return "".join(path.read_text(encoding="utf-8") for path in reports.rglob("timeline.ndjson"))


def broken(run, reports):
    """Why the bed of the one scenario was broken, once the run is over."""
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 1, output
    report = json.loads((reports / "traceability.json").read_text(encoding="utf-8"))
    results = {
        scenario["name"]: (scenario["status"], scenario["reason"])
        for requirement in report["requirements"]
        for criterion in requirement["criteria"]
        for scenario in criterion["scenarios"]
    }
    ((status, reason),) = results.values()
    assert status == "broken", output
    return reason, output


def containers(engine):
    """The ids of what runs, by service."""
    shown = '{{.Label "com.docker.compose.service"}}={{.ID}}'
    return dict(line.split("=") for line in engine.ask("ps", "--format", shown))


def test_a_container_that_somebody_removes_breaks_the_bed_and_nothing_is_left(engine, suite, tmp_path):
    engine.ask("rm", "--force", containers(engine)["ratelimiter-3"])
    reason, _ = broken(suite, tmp_path)
    assert reason == "the container of node ratelimiter-3 was removed, and not by this run"
    assert engine.left() == []


def test_a_disk_that_is_full_breaks_the_bed_and_nothing_is_left(engine, suite, tmp_path):
    engine.fill()
    try:
        reason, _ = broken(suite, tmp_path)
    finally:
        engine.empty()
    assert reason == f"the disk of the Docker engine at {engine.host} is full: {engine.disk}"
    clean(engine)
    assert engine.left() == []


def test_an_engine_that_stops_breaks_the_bed_and_what_is_left_is_removed_once_it_is_back(
    engine, suite, tmp_path
):
    mine = containers(engine)
    strange = engine.ask("volume", "create", "--label", f"{LABEL}=of-nobody-known")
    engine.kill()
    try:
        reason, output = broken(suite, tmp_path)
    finally:
        engine.start()
    assert reason.startswith(f"the Docker engine at {engine.host} stopped answering in the middle of the run")
    assert "try: see that this engine answers and has room, then acceptance clean" in output
    assert set(mine.values()) < set(engine.left())  # nobody could remove them
    clean(engine)
    assert engine.left() == strange
    engine.ask("volume", "rm", *strange)


def clean(engine):
    environ = {**os.environ, "TMPDIR": str(engine.directory / "runs")}  # it knows the engine by itself
    del environ["DOCKER_HOST"]
    ended = subprocess.run(
        [sys.executable, "-m", "support.cli", "clean"], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
