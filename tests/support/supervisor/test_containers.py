"""Containers of a run: the guardian removes what carries the run's label, or else a later sweep."""

import os

import pytest

from support.supervisor import Guardian, GuardianFailed, sweep
from support.supervisor.leftovers import boot_id

LABEL = "example.run"

_DOCKER = """#!/bin/sh
# An engine that keeps its containers in a file, one a line: label=value.
cd {home}
[ -e down ] && {{ echo "Cannot connect to the Docker daemon" >&2; exit 1; }}
case "$1 $2" in
"ps --all")
  for word; do last=$word; done
  /bin/grep -n "^${{last#label=}}$" containers | /usr/bin/cut -d : -f 1 ;;
"rm --force") shift 3; for line; do /bin/sed -i "${{line}}s/.*/gone/" containers; done ;;
esac
exit 0
"""


@pytest.fixture
def engine(tmp_path):
    home = tmp_path / "engine"
    home.mkdir()
    command = home / "docker"
    command.write_text(_DOCKER.format(home=home))
    command.chmod(0o755)
    return home


def begin(home, engine):
    guardian = Guardian.start(home)
    guardian.register_engine(str(engine / "docker"), "unix:///x", LABEL)
    (engine / "containers").write_text(f"{LABEL}={guardian.tag}\n{LABEL}=another\n{LABEL}={guardian.tag}\n")
    return guardian


def test_the_containers_of_a_run_end_with_it_and_no_others(tmp_path, engine):
    begin(tmp_path / "runs", engine).close()
    assert (engine / "containers").read_text().split() == ["gone", f"{LABEL}=another", "gone"]
    assert os.listdir(tmp_path / "runs") == []  # noqa: PTH208


def test_an_engine_that_is_away_is_said_and_swept_once_it_is_back(tmp_path, engine):
    guardian = begin(tmp_path / "runs", engine)
    (engine / "down").touch()
    with pytest.raises(
        GuardianFailed, match=rf"{LABEL}={guardian.tag} on the Docker engine at unix:///x: Cannot"
    ):
        guardian.close()
    (registry,) = (tmp_path / "runs").glob("*.registry")
    registry.write_text(registry.read_text().replace(boot_id(), "another"))  # as if its harness were dead
    (left,) = sweep(tmp_path / "runs")
    assert "Cannot connect" in left.containers[0]
    (engine / "down").unlink()
    (left,) = sweep(tmp_path / "runs")
    assert left.containers == ()
    assert (engine / "containers").read_text().split() == ["gone", f"{LABEL}=another", "gone"]
    assert sweep(tmp_path / "runs") == []
