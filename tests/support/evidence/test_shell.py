import os
import subprocess
from pathlib import Path

import pytest

from support.evidence.shell import ShellWitness

PATH = ("/usr/local/bin", "/usr/bin", "/bin")


@pytest.fixture
def witness(tmp_path: Path) -> ShellWitness:
    (tmp_path / "bin").mkdir()
    witness = ShellWitness(tmp_path / "notes", path=PATH)
    witness.install(tmp_path / "bin")
    return witness


def run(tmp_path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": os.pathsep.join((str(tmp_path / "bin"), *PATH))}
    return subprocess.run(
        [str(tmp_path / "bin" / words[0]), *words[1:]], env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_commands_are_noted_word_for_word_and_run_as_ever(
    witness: ShellWitness, tmp_path: Path, shell: str
) -> None:
    commands = ["echo 'a  b'\necho \"$HOME\" γ", "exit 7"]
    done = [run(tmp_path, shell, "-c", command) for command in commands]
    assert [each.returncode for each in done] == [0, 7]
    assert done[0].stdout == "a  b\n\n".replace("\n\n", "\n γ\n")
    assert witness.commands() == tuple(commands)


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize(
    "nested",
    [
        "sh -c 'echo in'",
        "bash -c 'echo in'; true",
        "x=$(sh -c 'echo in'); echo $x",
        "echo in | xargs -I% sh -c 'echo %'",
    ],
)
def test_a_shell_within_a_command_is_not_one_of_the_agents(
    witness: ShellWitness, tmp_path: Path, shell: str, nested: str
) -> None:
    assert run(tmp_path, shell, "-c", nested).stdout == "in\n"
    assert witness.commands() == (nested,)
    assert "echo in" in witness.everything()


def test_a_start_script_is_left_out(witness: ShellWitness, tmp_path: Path) -> None:
    run(tmp_path, "sh", "-c", "true start")
    witness.begin()
    run(tmp_path, "bash", "-lc", "true work")
    assert witness.commands() == ("true work",)
