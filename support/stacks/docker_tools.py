"""What an operator controls the nodes of a docker stack with: the `docker` command."""

from pathlib import Path

from support.stacks.docker import Engine


def install_docker(engine: Engine, directory: Path) -> None:
    """Put the `docker` command into a directory, so that an operator finds it wherever the machine has it."""
    (directory / "docker").symlink_to(engine.client)
