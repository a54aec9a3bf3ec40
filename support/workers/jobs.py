"""How many scenarios run side by side."""

import os
from contextlib import suppress
from pathlib import Path

from support.config import Settings

__all__ = ["jobs_of"]

_FOR_A_CORE = 1.5
"""Scenarios for each core: most of their time they wait, but all of them want to be answered in time."""
_MEMORY = 400 * 2**20
"""Bytes that one scenario may need: a stack, an operator and the worker."""


def jobs_of(asked: int, *, settings: Settings, scenarios: int) -> int:
    """The number of workers for what was asked; 0 asks for as many as this machine bears.

    One on a stack that runs already, which is there once, and with a real model, whose budget is counted
    in one place.
    """
    if settings.join is not None or settings.model in ("live", "record"):
        return 1
    return max(1, min(asked or _bearable(), scenarios))


def _bearable() -> int:
    return int(min(max(2.0, _cores() * _FOR_A_CORE), _available_memory() / _MEMORY))


def _cores() -> float:
    """The cores that this process may use, of which a container may have part of one (cgroups(7), cpu.max)."""
    cores = float(len(os.sched_getaffinity(0)))
    with suppress(OSError, ValueError):  # no cgroup, or no limit: "max"
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()
        cores = min(cores, int(quota) / int(period))
    return cores


def _available_memory() -> float:
    """Bytes, from MemAvailable of /proc/meminfo (proc_meminfo(5)); no limit if it does not say."""
    for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return float("inf")
