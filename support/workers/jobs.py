"""How many scenarios run side by side."""

import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from support.config import Settings

__all__ = ["Load", "jobs_of"]

_FOR_A_CORE = 1.5
"""Scenarios for each core: most of their time they wait, but all of them want to be answered in time."""
_MEMORY = 400 * 2**20
"""Bytes that one scenario may need: a stack, an operator and the worker."""
_LOAD = Path("/proc/loadavg")
_RUNNABLE_FOR_A_CORE = 1.5
_REMEMBERED = 2.0
"""Seconds over which the load is averaged."""


def jobs_of(asked: int, *, settings: Settings, scenarios: int) -> int:
    """The number of workers for what was asked; 0 asks for as many as this machine bears.

    One on a stack that runs already, which is there once, and with a real model, whose budget is counted
    in one place.
    """
    joined = settings.join is not None or settings.project is not None
    if joined or settings.model in ("live", "record"):
        return 1
    return max(1, min(asked or _bearable(), scenarios))


class Load:
    """How many processes of this machine want to run, whoever's they are (proc_loadavg(5), fourth field).

    What runs beside a run of ours can begin at any time; then fewer scenarios run side by side, or those
    that do would not be answered in time.
    """

    def __init__(
        self,
        *,
        cores: int | None = None,
        runnable: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        cores = cores or os.cpu_count() or 1
        self._always = max(1, cores // 2)
        self._most = cores * _RUNNABLE_FOR_A_CORE
        self._runnable = runnable or _runnable
        self._clock = clock
        self._looked = clock()
        self._average = 0.0

    def bears_more(self, busy: int) -> bool:
        """Whether another scenario may begin beside so many; one for every two cores always may."""
        now = self._clock()
        weight = 1 - math.exp(-(now - self._looked) / _REMEMBERED)
        self._average += weight * (self._runnable() - self._average)
        self._looked = now
        return busy < self._always or self._average <= self._most


def _runnable() -> int:
    fields = _LOAD.read_text(encoding="utf-8").split()
    return int(fields[3].partition("/")[0]) - 1  # without us, who ask


def _bearable() -> int:
    return int(min(max(2.0, _cores() * _FOR_A_CORE), _available_memory() / _MEMORY))


def _cores() -> float:
    """The cores that this process may use; a container may have parts of them (cgroups(7), cpu.max)."""
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
