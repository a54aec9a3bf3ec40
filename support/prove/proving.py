"""Runs the tries side by side, each a run of the suite in a process of its own, until all are judged.

However this is left, no run goes on: they are the supervisor's, and at the latest the guardian's.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anyio

from support.prove.judging import judge, no_report
from support.prove.matrix import Tried
from support.prove.plan import Try
from support.report.merge import UnreadableReport, load_result
from support.supervisor import Command, Guardian, Supervisor

__all__ = ["prove"]

_ENDS_WITHIN = 300.0
_GRACE = 30.0
"""Seconds that a run that is told to stop has to heal its fault and to stop what it started."""
_NOT_PASSED_ON = ("ACCEPTANCE_SABOTAGE", "ACCEPTANCE_REPORTS", "ACCEPTANCE_JOIN", "ACCEPTANCE_JOBS")

Told = Callable[[Sequence[Tried], frozenset[str]], None]
"""Is told what came of a try, and which criteria no scenario names, as its run has seen."""


async def prove(tries: Sequence[Try], *, jobs: int, guardian: Guardian, keep: Path, told: Told) -> None:
    """Make the tries, at most `jobs` at a time, and tell of each.

    Below `keep` the reports and the output stay of those that somebody has to look at.
    """
    limiter = anyio.Semaphore(jobs)
    async with (
        Supervisor(keep / "output", guardian=guardian) as supervisor,
        anyio.create_task_group() as tasks,
    ):
        for try_ in tries:
            await limiter.acquire()
            tasks.start_soon(_try, try_, supervisor, keep, told, limiter)


async def _try(try_: Try, supervisor: Supervisor, keep: Path, told: Told, limiter: anyio.Semaphore) -> None:
    try:
        reports = keep / try_.name / "-".join([try_.must, *try_.criteria[:1]])
        began = time.monotonic()
        process = await supervisor.spawn(_command(try_, reports))
        with anyio.move_on_after(_ENDS_WITHIN) as limit:
            await process.wait()
        await process.stop()
        seconds = time.monotonic() - began
        uncovered: frozenset[str] = frozenset()
        try:
            result = load_result(reports)
        except UnreadableReport:
            late = f"it still ran after {_ENDS_WITHIN:g} s; " if limit.cancelled_caught else ""
            tried = no_report(try_, late + process.output.describe(), seconds=seconds)
        else:
            tried = judge(try_, result, seconds=seconds)
            uncovered = frozenset(c.id for c in result.criteria if c.status == "not covered")
        if all(each.outcome in ("caught", "left green", "not applicable") for each in tried):
            shutil.rmtree(reports, ignore_errors=True)
            for path in process.output.paths:
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.index").unlink(missing_ok=True)
        told(tried, uncovered)
    finally:
        limiter.release()


def _command(try_: Try, reports: Path) -> Command:
    return Command(
        name=f"{try_.name}-{try_.must}-{try_.criteria[0]}",
        argv=[
            *(sys.executable, "-m", "behave", "-D", f"sabotage={try_.name}", "-D", f"reports={reports}"),
            *try_.options,
        ],
        cwd=Path.cwd(),
        env=_environment(os.environ),
        grace=_GRACE,
    )


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in _NOT_PASSED_ON}
