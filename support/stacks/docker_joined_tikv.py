"""A TiKV cluster of containers that somebody else has started, joined by its compose project."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.stacks.docker import Engine
from support.stacks.docker_images import STAND_IN
from support.stacks.docker_joined import join
from support.stacks.docker_tikv import TikvOnDocker
from support.stacks.joined_tikv import GivesBack, given_back
from support.stacks.tikv import PD_NAMES, STORE_NAMES
from support.stacks.tikv_on_processes import EVICTION
from support.supervisor import Supervisor
from support.verdict import BrokenBed

_PORTS = {**dict.fromkeys(PD_NAMES, 2379), **dict.fromkeys(STORE_NAMES, 20160)}
_SCALE = "STANDIN_TIME_SCALE"


class _Joined(TikvOnDocker, GivesBack):
    """A TiKV stack of somebody else's containers."""


@asynccontextmanager
async def joined_tikv_project(
    engine: Engine, *, directory: Path, supervisor: Supervisor
) -> AsyncIterator[TikvOnDocker]:
    """Use the TiKV cluster whose containers are those of the engine's project.

    At the end its nodes run and its data is what it was. Raises BrokenBed, with nothing changed, when it is
    not there as a whole, publishes ports that do not stay, is not in its steady state, or has been joined
    by another run.
    """
    async with join(
        engine, _PORTS, grace=int(EVICTION), directory=directory, supervisor=supervisor
    ) as joined:
        substitutes = {
            label: None
            for each in joined.inspected.values()
            if (label := each["Config"]["Labels"].get(STAND_IN)) is not None
        }
        times = _times(joined.inspected) if substitutes else 1.0
        capacity = int(_flag(joined.inspected, STORE_NAMES[0], "capacity").removesuffix("B") or 0)
        stack = _Joined(
            joined.nodes,
            pd_urls={name: f"http://{joined.published[name]}" for name in PD_NAMES},
            endpoint=f"http://{joined.published[PD_NAMES[0]]}",
            addresses={name: joined.published[name] for name in STORE_NAMES},
            advertised={name: _flag(joined.inspected, name, "advertise-addr") for name in STORE_NAMES},
            links=None,
            times=times,
            directory=directory,
            capacity=capacity or None,
            keeps_data=bool(substitutes),
            substitutes=(*substitutes, f"times ×{times:g}") if substitutes else (),
        )
        stack.on(engine, joined.events, joined.network)
        async with stack, given_back(stack, f"project {engine.project}"):
            yield stack


def _flag(inspected: Mapping[str, Mapping[str, Any]], name: str, flag: str) -> str:
    """The value of a flag that a node was started with. Raises BrokenBed without it."""
    for word in inspected[name]["Config"]["Cmd"] or ():
        if found := re.fullmatch(f"--{flag}=(.*)", word):
            return found[1]
    raise BrokenBed(f"node {name} was started without --{flag}; docker/tikv/compose.yaml says how")


def _times(inspected: Mapping[str, Mapping[str, Any]]) -> float:
    """How many times shorter than the real ones the times of stand-ins are."""
    for word in inspected[PD_NAMES[0]]["Config"]["Env"]:
        if word.startswith(f"{_SCALE}="):
            return float(word.partition("=")[2])
    return 1.0
