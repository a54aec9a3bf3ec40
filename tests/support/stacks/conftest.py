"""What the tests of docker stacks share: a real engine, or the reason why there is none."""

import os

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
