"""What is said of Docker on machines that have less of it than a docker stack needs."""

import pytest

from support.machine import docker
from support.machine.finding import Unready


@pytest.fixture
def machine(tmp_path):
    """A machine whose docker command answers as told, by its first words."""

    def make(**answers):
        cases = "".join(f"'{words.replace('_', ' ')}'*) {does} ;;\n" for words, does in answers.items())
        command = tmp_path / "docker"
        command.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}*) echo "what is $*?" >&2; exit 1 ;;\nesac\n')
        command.chmod(0o755)
        return {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    return make


def test_without_docker_one_line_says_so_and_nothing_else_is_looked_for(tmp_path):
    findings = list(docker.findings({"PATH": str(tmp_path)}))
    assert [(each.name, each.fits, each.seen) for each in findings] == [
        ("Docker", False, "no docker on the PATH")
    ]


def test_an_engine_that_does_not_answer_is_an_error_that_says_what_to_do(machine):
    environ = machine(version="echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    with pytest.raises(Unready, match=r"no engine answers: Cannot connect[^\n]*\ntry: start the engine"):
        docker.require(environ)


def test_docker_without_compose_is_an_error_that_says_what_to_do(machine):
    environ = machine(version="echo 27.1", compose_version="echo 'is not a docker command' >&2; exit 1")
    with pytest.raises(Unready, match=r"no compose plugin\ntry: apt-get install docker-compose-plugin"):
        docker.require(environ)


def test_the_old_compose_is_not_enough(machine):
    assert not docker.compose(machine(compose_version="echo 1.29.2")).fits
    assert docker.compose(machine(compose_version="echo v2.26.1")).fits


def test_an_image_that_cannot_be_pulled_is_named_with_the_way_out(machine):
    environ = machine(
        compose="echo pingcap/pd:v8.5.7",
        image_ls="echo redis:7",
        manifest="echo 'no such host' >&2; exit 1",
    )
    found = docker.images(environ)
    assert not found.fits
    assert "pingcap/pd:v8.5.7 cannot be pulled: no such host" in found.seen
    assert "PD_IMAGE" in found.next_step


def test_images_that_the_suite_builds_are_not_asked_of_a_registry(machine):
    found = docker.images(machine(compose="echo operator-acceptance/node:1", image_ls="echo redis:7"))
    assert (found.fits, found.seen) == (
        True,
        "the first run gets or builds operator-acceptance/node:1",
    )


def test_a_machine_that_has_it_all_is_fit(machine, tmp_path):
    environ = machine(version="echo 27.1", compose_version="echo 2.26.1", info=f"echo {tmp_path}")
    docker.require(environ)
    assert "GiB free" in docker.room(environ).seen
