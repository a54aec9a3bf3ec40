"""What there is to say of a run as a whole: when, with what, and where its time went."""

import hashlib
import os
import platform
import subprocess
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

from support.config import Settings
from support.report.model import RunInfo, ScenarioResult

__all__ = ["commit_of", "run_info", "seconds_of_this_process"]

_PACKAGES = ("operator-acceptance", "behave", "anthropic", "redis")


def run_info(
    settings: Settings,
    *,
    seconds: float,
    worked: float | None = None,
    command: tuple[str, ...],
    scenarios: Iterable[ScenarioResult],
    interrupted: str | None,
    problems: Iterable[str],
    base: Path,
) -> RunInfo:
    """The RunInfo of a run that ends now and took `seconds`.

    `worked` are the seconds that it took all who worked side by side, together. The harness gets all the
    time in which a scenario neither waited nor worked on its stack. `base` is where the features are from,
    and names the commit.
    """
    commit, code = commit_of(base)
    all_spent = [scenario.spent for scenario in scenarios]
    stack = sum(spent.get("stack", 0.0) for spent in all_spent)
    waiting = sum(spent.get("waiting", 0.0) for spent in all_spent)
    started = datetime.now(UTC) - timedelta(seconds=seconds)
    return RunInfo(
        started=started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        seconds=round(seconds, 3),
        command=command,
        stack=settings.stack,
        model=settings.model,
        operator=_operator(settings),
        versions=_versions(),
        spent={
            "harness": round(max(0.0, (seconds if worked is None else worked) - stack - waiting), 3),
            "stack": round(stack, 3),
            "waiting": round(waiting, 3),
        },
        interrupted=interrupted,
        problems=tuple(problems),
        commit=commit,
        code=code,
        machine=_machine(),
        gate=settings.gate,
    )


def commit_of(directory: Path) -> tuple[str | None, str | None]:
    """The commit that is checked out there, and a digest of it with its uncommitted changes.

    Nothing where there is no repository or no git.
    """
    head = _git(directory, "rev-parse", "--short=12", "HEAD").decode().strip()
    if not head:
        return None, None
    status = _git(directory, "status", "--porcelain")
    if not status:
        return head, head
    changes = status + _git(directory, "diff", "HEAD")
    return f"{head} with uncommitted changes", f"{head}+{hashlib.sha256(changes).hexdigest()[:12]}"


def _git(directory: Path, *words: str) -> bytes:
    try:
        command = ("git", "-C", str(directory), *words)
        return subprocess.run(command, capture_output=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return b""


def _machine() -> str:
    processors = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{processors} processors, {memory:.0f} GiB of memory, {platform.machine()}"


def seconds_of_this_process() -> float:
    """Wall time since this process began, to a hundredth of a second; imports count, too.

    From field 22 of /proc/self/stat, in clock ticks since boot (proc_pid_stat(5)).
    """
    after_name = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    began = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began


def _operator(settings: Settings) -> str:
    profile = str(settings.operator) if settings.operator else "built-in"
    return f"{profile}, sabotaged: {settings.sabotage}" if settings.sabotage else profile


def _versions() -> dict[str, str]:
    machine = platform.uname()
    # platform.platform() would read all of the interpreter for the name of its libc.
    system = f"{machine.system}-{machine.release}-{machine.machine}"
    versions = {"python": platform.python_version(), "system": system}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
