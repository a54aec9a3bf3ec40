"""What tests of stacks share: a stack that is somebody else's, and a Docker engine or why there is none."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.machine import docker
from support.machine.finding import Unready


@pytest.fixture(scope="session")
def engine_environ():
    """The environment in which the engine is found; skips the test where none can be used."""
    try:
        docker.require(os.environ)
    except Unready as missing:
        pytest.skip(str(missing).partition("\n")[0])
    images = docker.images(os.environ)
    if not images.fits:
        pytest.skip(images.seen)
    return os.environ


@pytest.fixture(scope="session")
def control_of():
    """The control socket of a stack of this subject that is somebody's, while the block lasts."""

    @contextmanager
    def control_of(subject):
        with subprocess.Popen(
            [sys.executable, "-m", "support.cli", "up", subject],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                for line in process.stdout:
                    if "STACKCTL_SOCKET=" in line and "export" in line:
                        control = Path(line.strip().partition("=")[2])
                    if line.startswith("Ctrl-C"):
                        break
                yield control
            finally:
                process.terminate()
        assert process.returncode == 0

    return control_of
