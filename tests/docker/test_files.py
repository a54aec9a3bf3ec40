"""The files that users keep: what must hold of each compose file, and of the versions in the images."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPOSE = sorted((ROOT / "docker").glob("*/compose.yaml"))
PINNED = sorted((ROOT / "docker").glob("*/requirements.txt"))


def test_there_is_one_for_each_part():
    assert [file.parent.name for file in COMPOSE] == ["operator", "ratelimiter", "tikv"]


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.parent.name)
def test_several_can_run_side_by_side(file):
    text = file.read_text()
    assert "container_name" not in text
    ports = re.findall(r'^ +- "([^"]*:\d+)"$', text, re.MULTILINE)
    assert [
        port for port in ports if not re.fullmatch(r"\$\{BIND_ADDRESS:-127\.0\.0\.1\}:\$\{\w+:-\}:\d+", port)
    ] == []


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.parent.name)
def test_compose_finds_nothing_to_warn_of(file):
    client = shutil.which("docker")
    if client is None or subprocess.run([client, "compose", "version"], capture_output=True).returncode:
        pytest.skip("there is no docker compose to read it")
    known = {name: os.environ[name] for name in ("DOCKER_CONFIG", "HOME", "PATH") if name in os.environ}
    read = subprocess.run(
        [client, "compose", "-f", file, "config", "--quiet"], env=known, capture_output=True, text=True
    )
    assert (read.returncode, read.stdout, read.stderr) == (0, "", "")


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.parent.name)
def test_every_image_is_a_variable_with_a_version(file):
    images = re.findall(r"^ +image: (.*)$", file.read_text(), re.MULTILINE)
    assert images
    assert [each for each in images if not re.fullmatch(r"\$\{\w+_IMAGE:-[\w./-]+:v?\d[\w.-]*\}", each)] == []


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.parent.name)
def test_nothing_restarts_by_itself_and_everything_has_its_time_to_stop(file):
    text = file.read_text()
    images = text.count(" image: ")
    assert text.count('restart: "no"') == images
    assert text.count("stop_grace_period: ") == images


def test_the_engine_is_in_the_hands_of_the_agent_alone():
    monitor, agent = (ROOT / "docker/operator/compose.yaml").read_text().split("\n  agent:\n")
    services = monitor.partition("\nservices:")[2]
    assert "docker.sock" in agent
    assert "docker.sock" not in services


@pytest.mark.parametrize("file", sorted((ROOT / "docker").glob("*/Dockerfile")), ids=lambda f: f.parent.name)
def test_nothing_runs_as_root(file):
    assert re.search(r"^USER \d+:\d+$", file.read_text(), re.MULTILINE)


@pytest.mark.parametrize("file", PINNED, ids=lambda file: file.parent.name)
def test_the_versions_in_images_are_those_of_the_suite(file):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    known = settings["tool"]["uv"]["constraint-dependencies"]
    written = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert written
    assert [line for line in written if line not in known] == []
