"""What docker stacks need of this machine: an engine that answers, compose, room, and images."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from support.machine.finding import Finding, Unready
from support.stacks.asking import NoAnswer, asked

_ASKED_WITHIN = 10.0
_ROOM = 1 << 30
"""Bytes that the engine should have left: the containers of a run and their logs take less."""
_FILES = tuple(
    Path(__file__).parents[2] / "docker" / name / "compose.yaml" for name in ("ratelimiter", "tikv")
)
_OF_THE_SUITE = "operator-acceptance/"
"""How the names of images begin that are built here."""


def engine(environ: Mapping[str, str]) -> Finding:
    """The Docker engine, and whether it answers."""
    client = shutil.which("docker", path=environ.get("PATH"))
    if client is None:
        return Finding(
            name="Docker", fits=False, seen="no docker on the PATH", next_step="install Docker Engine"
        )
    try:
        version = _ask(environ, "version", "--format", "{{.Server.Version}}")
    except NoAnswer as error:
        return Finding(
            name="Docker",
            fits=False,
            seen=f"{client} is there, but no engine answers: {error}",
            next_step="start the engine (systemctl start docker, or dockerd), or say where it is with "
            "DOCKER_HOST; then: docker version",
        )
    return Finding(name="Docker", fits=True, seen=f"engine {version}")


def compose(environ: Mapping[str, str]) -> Finding:
    """The compose plugin of the docker command."""
    try:
        version = _ask(environ, "compose", "version", "--short")
    except NoAnswer:
        version = ""
    major = version.removeprefix("v").partition(".")[0]
    return Finding(
        name="Docker Compose",
        fits=major.isdigit() and int(major) >= 2,
        seen=version or "the docker command has no compose plugin",
        next_step="apt-get install docker-compose-plugin (Docker's packages) or docker-compose (Debian 13), "
        "or put docker-compose into ~/.docker/cli-plugins; then: docker compose version",
    )


def room(environ: Mapping[str, str]) -> Finding:
    """The room that the engine has left, where that is a disk of this machine."""
    try:
        root = Path(_ask(environ, "info", "--format", "{{.DockerRootDir}}"))
        status = os.statvfs(root)
    except NoAnswer as error:
        return Finding(name="Docker disk", fits=False, seen=str(error), next_step="docker info")
    except OSError:
        return Finding(name="Docker disk", fits=True, seen="the engine's disk is not one of this machine")
    free = status.f_bavail * status.f_frsize
    return Finding(
        name="Docker disk",
        fits=free >= _ROOM,
        seen=f"{free / (1 << 30):.1f} GiB free at {root}",
        next_step=f"free {_ROOM >> 30} GiB there: docker system df; docker system prune",
    )


def images(environ: Mapping[str, str]) -> Finding:
    """The images of the stacks: whether they are there, or can be had."""
    try:
        wanted = {
            image
            for file in _FILES
            for image in _ask(environ, "compose", "-f", str(file), "config", "--images").split()
            if not image.startswith(("prom/", "grafana/"))
        }
        there = set(_ask(environ, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
    except NoAnswer as error:
        return Finding(name="Docker images", fits=False, seen=str(error), next_step="docker image ls")
    missing = sorted(wanted - there)
    pulled = [image for image in missing if not image.startswith(_OF_THE_SUITE)]
    if not missing:
        return Finding(name="Docker images", fits=True, seen="all there")
    if pulled:
        try:
            _ask(environ, "manifest", "inspect", pulled[0])
        except NoAnswer as error:
            return Finding(
                name="Docker images",
                fits=False,
                seen=f"{', '.join(pulled)} missing, and {pulled[0]} cannot be pulled: {error}",
                next_step="docker load them, or name others by REDIS_IMAGE, PD_IMAGE, TIKV_IMAGE (README)",
            )
    return Finding(name="Docker images", fits=True, seen=f"the first run gets or builds {', '.join(missing)}")


def findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """All of it; where no engine answers, that alone."""
    first = engine(environ)
    yield first
    if first.fits:
        yield compose(environ)
        yield room(environ)
        yield images(environ)


def require(environ: Mapping[str, str]) -> None:
    """Raise Unready unless stacks can be started in containers here."""
    for look in (engine, compose, room):
        finding = look(environ)
        if not finding.fits:
            raise Unready(
                f"stack=docker: {finding.seen}\ntry: {finding.next_step}\n"
                "or leave out -D stack=docker, which runs the same scenarios on processes"
            )


def _ask(environ: Mapping[str, str], *words: str) -> str:
    client = shutil.which("docker", path=environ.get("PATH"))
    if client is None:
        raise NoAnswer("no docker on the PATH")
    try:
        answer = asked([client, *words], environ, within=_ASKED_WITHIN)
    except NoAnswer as error:
        raise NoAnswer(f"docker {words[0]}: {error}") from error
    said = answer.stdout.strip()
    if answer.returncode or not said:
        raise NoAnswer((answer.stderr.strip().splitlines() or [f"docker {words[0]} says nothing"])[-1])
    return said
