"""The Docker engine, as the docker stacks use it: python-on-whales in threads, and errors in plain words.

    engine = Engine.find(os.environ, tag=guardian.tag)
    await engine.call("pause redis", lambda docker: docker.container.pause("redis"), within=10)

Nothing of this is imported unless a run asks for a docker stack.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException

from support.stacks.asking import NoAnswer, asked
from support.supervisor.leftovers import TAG
from support.verdict import BrokenBed

T = TypeVar("T")

LABEL = "operator-acceptance.run"
"""Every container, network and volume of a run carries it; its value is the run's tag."""

_ASKED_WITHIN = 10.0
_SHOWN = 600


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine, and a compose project on it if `files` are given.

    `client` is the path of the docker command, `host` the address of the engine, `tag` the run whose
    commands these are.
    """

    client: str
    host: str
    tag: str
    project: str = ""
    files: tuple[Path, ...] = ()
    variables: Mapping[str, str] | None = None
    """What the compose files leave open."""

    @classmethod
    def find(cls, environ: Mapping[str, str], *, tag: str) -> "Engine":
        """The engine that the docker command of this environment speaks to.

        Raises BrokenBed when there is no command, or it knows no engine. Whether one answers shows later.
        """
        client = shutil.which("docker", path=environ.get("PATH"))
        if client is None:
            raise BrokenBed("no docker on the PATH\ntry: acceptance doctor")
        return cls(client=client, host=engine_host(client, environ), tag=tag)

    def of(self, project: str, *, files: Sequence[Path], variables: Mapping[str, str]) -> "Engine":
        """The same engine with a compose project."""
        return replace(self, project=project, files=tuple(files), variables=dict(variables))

    @property
    def environment(self) -> Mapping[str, str]:
        """What a docker command needs to find this engine."""
        return {"DOCKER_HOST": self.host}

    async def call(self, what: str, do: Callable[[DockerClient], T], *, within: float) -> T:
        """Let the engine do something; `what` says it in words.

        Raises BrokenBed when it refuses, or has not done it after `within` seconds.
        """
        try:
            with anyio.fail_after(within):
                return await anyio.to_thread.run_sync(do, self._docker(), abandon_on_cancel=True)
        except TimeoutError:
            raise BrokenBed(f"the engine at {self.host} did not {what} within {within:g} s") from None
        except DockerException as error:
            raise BrokenBed(f"the engine at {self.host} did not {what}: {said_by(error)}") from error

    def ask(self, *words: str) -> str:
        """What a short docker command prints. Raises BrokenBed."""
        return _said(self.client, {**os.environ, **self.environment}, *words)

    def _docker(self) -> DockerClient:
        variables = {**(self.variables or {}), **self.environment}
        tags = " ".join((*os.environ.get(TAG, "").split(), f"{self.tag}/docker"))
        # As words of env(1): the shell's own variables would win over those of an env file.
        words = (f"{name}={value}" for name, value in ({**variables, TAG: tags}).items())
        return DockerClient(
            client_call=["env", *words, self.client],
            client_type="docker",
            compose_files=list(self.files),
            compose_project_name=self.project or None,
        )


def engine_host(client: str, environ: Mapping[str, str]) -> str:
    """The address of the engine that `client` speaks to: that of DOCKER_HOST, or of the chosen context.

    Raises BrokenBed when there is no such context.
    """
    if environ.get("DOCKER_HOST"):
        return environ["DOCKER_HOST"]
    return _said(client, environ, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")


def _said(client: str, environ: Mapping[str, str], *words: str) -> str:
    try:
        answer = asked([client, *words], environ, within=_ASKED_WITHIN)
    except NoAnswer as error:
        raise BrokenBed(f"docker {words[0]}: {error}") from error
    if answer.returncode:
        raise BrokenBed(f"docker {words[0]}: {answer.stderr.strip()[-_SHOWN:]}")
    return answer.stdout.strip()


def said_by(error: DockerException) -> str:
    """The last thing that a docker command said before it failed."""
    lines = [line.strip() for line in (error.stderr or "").splitlines() if line.strip()]
    return " / ".join(lines[-2:])[-_SHOWN:] or f"exit status {error.return_code}"
