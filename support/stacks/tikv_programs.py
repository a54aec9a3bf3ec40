"""What a TiKV stack is started from: the stand-ins, or binaries that are on this machine.

A binary is asked by `--version` what it is. The stand-ins say there that they are, and how fast, so that
none of them passes for the real thing under whatever name it is installed.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from support.stacks.asking import NoAnswer, asked
from support.verdict import BrokenBed

DEFAULT_TIMES = 20.0
"""The stand-ins' times are so many times shorter than the real ones, unless somebody wants others."""

SMALL_DISK = 100 * 1024**2
"""So small that no machine has less: a store must not be short of space because its machine is."""
_CAPACITY_OF_REAL = 10 * 1024**3
"""The same for a real store, which takes some hundred MiB before anybody writes."""
_NAMES = ("pd-server", "tikv-server")
_ASKED_WITHIN = 30.0


@dataclass(frozen=True, kw_only=True)
class Programs:
    """What a TiKV stack is started from.

    `times` says how many times shorter than the real ones the programs' times are, `substitutes` what they
    stand in for.
    """

    pd_server: Sequence[str]
    tikv_server: Sequence[str]
    times: float
    substitutes: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the programs are told beside their flags."""
    capacity: int | None = None
    """The size of a store's disk in bytes; None is that of the machine."""


@dataclass(frozen=True, kw_only=True)
class Binary:
    """A program on this machine and what it says of itself."""

    path: str
    version: str
    stand_in: bool
    times: float


def stand_ins(times: float = DEFAULT_TIMES) -> Programs:
    """The stand-ins, `times` faster than the real ones."""
    return Programs(
        pd_server=(sys.executable, "-m", "systems.tikv.pd_server"),
        tikv_server=(sys.executable, "-m", "systems.tikv.tikv_server"),
        times=times,
        substitutes=("stand-in PD", "stand-in TiKV", *_named(times)),
        environment={"STANDIN_TIME_SCALE": f"{times:g}"},
        capacity=SMALL_DISK,
    )


def native(environ: Mapping[str, str], directory: Path | None) -> Programs:
    """The binaries of this machine; raises as `find_binaries` does."""
    pd, store = (find_binaries(environ, directory)[name] for name in _NAMES)
    times = min(pd.times, store.times)
    standing_in = [f"stand-in {what}" for what, one in (("PD", pd), ("TiKV", store)) if one.stand_in]
    return Programs(
        pd_server=(pd.path,),
        tikv_server=(store.path, f"--capacity={_CAPACITY_OF_REAL}B"),
        times=times,
        substitutes=(*standing_in, *_named(times)),
    )


def find_binaries(environ: Mapping[str, str], directory: Path | None) -> Mapping[str, Binary]:
    """`pd-server` and `tikv-server` of `directory`, or else of the PATH.

    Below a directory the newest release is taken, so that of tiup will do (`~/.tiup/components`). Raises
    BrokenBed, with what to try, when one is missing or does not say what it is.
    """
    path = environ.get("PATH", os.defpath)
    found = {}
    for name in _NAMES:
        below = sorted(filter(_runs, directory.rglob(name)), key=_release) if directory else []
        program = str(below[-1]) if below else None if directory else shutil.which(name, path=path)
        if program is None:
            raise BrokenBed(
                f"no {name} {f'in {directory}' if directory else 'on the PATH'}\n"
                "try: tiup install pd:v8.5.7 tikv:v8.5.7, and -D tikv_bin=~/.tiup/components"
            )
        found[name] = _binary(program)
    return found


@cache
def _binary(program: str) -> Binary:
    try:
        environ = {"PATH": os.defpath}  # as the nodes will be started
        answer = asked([program, "--version"], environ, within=_ASKED_WITHIN)
    except NoAnswer as error:
        raise BrokenBed(f"{program} --version: {error}\ntry: {program} --version") from error
    version = re.search(r"^Release Version:\s*(\S+)", answer.stdout, re.MULTILINE)
    if answer.returncode or version is None:
        said = (answer.stderr.strip() or answer.stdout.strip() or "nothing").splitlines()[-1]
        raise BrokenBed(
            f"{program} --version does not say which release it is; it ended with status "
            f"{answer.returncode} and said: {said}\ntry: {program} --version"
        )
    scale = re.search(r"^Time Scale:\s*([0-9.]+)", answer.stdout, re.MULTILINE)
    return Binary(
        path=program,
        version=version[1],
        stand_in=bool(re.search(r"^Stand-in:\s*yes", answer.stdout, re.MULTILINE)),
        times=float(scale[1]) if scale else 1.0,
    )


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _release(path: Path) -> tuple[int, ...]:
    """The numbers of the release in the path of a tiup component: `pd/v8.5.7/pd-server`."""
    released = re.findall(r"v(\d+)\.(\d+)\.(\d+)", str(path))
    return tuple(map(int, released[-1])) if released else ()


def _named(times: float) -> tuple[str, ...]:
    return () if times == 1 else (f"times ×{times:g}",)
