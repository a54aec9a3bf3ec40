"""What the docker command says of the engine it speaks to; it needs no engine for that."""

import re

import pytest

from support.stacks.docker import engine_host
from support.verdict import BrokenBed


@pytest.fixture
def docker(tmp_path):
    def says(script):
        client = tmp_path / "docker"
        client.write_text(f"#!/bin/sh\n{script}\n")
        client.chmod(0o755)
        return str(client)

    return says


def test_the_engine_is_the_one_of_the_chosen_context(docker):
    client = docker('[ "$1 $2" = "context inspect" ] && echo unix:///run/mine.sock')
    assert engine_host(client, {}) == "unix:///run/mine.sock"
    assert engine_host(client, {"DOCKER_HOST": "tcp://there"}) == "tcp://there"


def test_a_context_that_is_not_there_is_said(docker):
    client = docker("echo 'context \"nope\": context not found' >&2; exit 1")
    with pytest.raises(BrokenBed, match=r'^docker context: context "nope": context not found$'):
        engine_host(client, {})


def test_a_command_that_cannot_be_started_is_said(tmp_path):
    with pytest.raises(BrokenBed, match=re.escape(str(tmp_path / "docker"))):
        engine_host(str(tmp_path / "docker"), {})
