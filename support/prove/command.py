"""`acceptance prove`: put the suite before bad operators, and show which of them it notices by what.

acceptance prove [--only NAME…] [--criterion ID…] [--jobs N] [--reports DIR] [--list]
"""

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio

from support.features import FeatureError
from support.machine.temporary import home
from support.prove.controls import controls
from support.prove.matrix import Matrix, Tried, joined
from support.prove.plan import Try, plan
from support.prove.proof import from_json, to_json
from support.prove.proving import prove
from support.prove.rendering import closing_lines, proof_md, sabotage_lines, try_lines
from support.report.register import Register, RegisterError, load_register
from support.report.run_info import commit_of
from support.report.strength import PROOF
from support.sabotage.sabotage import Sabotage, SabotageError, check_fits, load_sabotage, names
from support.supervisor import Guardian, sweep
from support.terminal import say

__all__ = ["main"]

_KEPT = "proof"
_READABLE = "proof.md"
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv: Sequence[str]) -> int:
    """Do what the words after `acceptance prove` say; return the exit status: 1 when the matrix is red, 2 for
    what cannot be asked, 128 and the number of the signal that ended it."""
    wanted = _parser().parse_args(argv)
    base = Path.cwd()
    try:
        register = load_register(base / "features" / "requirements.toml")
        sabotages = {name: load_sabotage(name) for name in names()}
        tries = plan(
            sabotages,
            only=wanted.only,
            criteria=wanted.criterion,
            known=register.ids,
            controls=controls(base / "features", register),
        )
        for try_ in tries:
            check_fits(try_.sabotage, base)
    except (FeatureError, RegisterError, SabotageError) as error:
        say(f"Nothing was tried.\n{error}\n", sys.stderr)
        return 2
    if wanted.list:
        tried = {each.name: each.sabotage for each in tries}
        say("".join(f"{line}\n" for line in sabotage_lines(dict(sorted(tried.items())))), sys.stdout)
        return 0
    processors = len(os.sched_getaffinity(0))
    reports = wanted.reports.absolute()
    session = _Session(tries, register, jobs=wanted.jobs or processors, processors=processors)
    shutil.rmtree(reports / _KEPT, ignore_errors=True)
    sweep(home())
    with Guardian.start(home()) as guardian:
        number = anyio.run(session.run, guardian, reports / _KEPT)
    if number is not None:
        shutil.rmtree(reports / _KEPT, ignore_errors=True)
        return 128 + number
    return _write(session.matrix(base), reports)


class _Session:
    """The tries of one call of the command, and what came of them so far."""

    def __init__(self, tries: Sequence[Try], register: Register, *, jobs: int, processors: int) -> None:
        self._tries = tries
        self._register = register
        self._jobs = jobs
        self._processors = processors
        self._sabotages: Mapping[str, Sabotage] = {each.name: each.sabotage for each in tries}
        self._tried: list[Tried] = []
        self._uncovered: frozenset[str] = frozenset()
        self._spans: dict[str, tuple[float, float]] = {}
        self._began = time.monotonic()
        self._started = datetime.now(UTC)

    async def run(self, guardian: Guardian, keep: Path) -> int | None:
        """Make all tries; return the number of the signal that ended it before, if one did."""
        count = sum(len(each.criteria) for each in self._tries)
        say(f"{len(self._sabotages)} sabotages, {count} tries, {self._jobs} at a time\n", sys.stdout)
        ended: int | None = None
        with anyio.open_signal_receiver(*_ENDS) as signals:
            async with anyio.create_task_group() as tasks:

                async def heed() -> None:
                    nonlocal ended
                    async for number in signals:
                        if ended is None:
                            ended = int(number)
                            say(f"{number.name}: stopping all runs\n", sys.stderr)
                            tasks.cancel_scope.cancel()

                tasks.start_soon(heed)
                await prove(self._tries, jobs=self._jobs, guardian=guardian, keep=keep, told=self._told)
                tasks.cancel_scope.cancel()
        return ended

    def matrix(self, base: Path) -> Matrix:
        """What came of it all."""
        commit, code = commit_of(base)
        return Matrix(
            tried=tuple(sorted(self._tried, key=lambda each: each.sabotage)),
            titles={name: sabotage.title for name, sabotage in self._sabotages.items()},
            sentences={name: sabotage.sentence for name, sabotage in self._sabotages.items()},
            took={name: round(ended - began, 1) for name, (began, ended) in self._spans.items()},
            criteria=tuple(c.id for r in self._register.requirements for c in r.criteria),
            uncovered=self._uncovered,
            started=self._started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            seconds=round(time.monotonic() - self._began, 1),
            jobs=self._jobs,
            processors=self._processors,
            operator=os.environ.get("ACCEPTANCE_OPERATOR") or "built-in",
            commit=commit,
            code=code,
        )

    def _told(self, tried: Sequence[Tried], uncovered: frozenset[str]) -> None:
        name, ended = tried[0].sabotage, time.monotonic()
        began = ended - sum(each.seconds for each in tried)
        self._spans[name] = (min(began, self._spans.get(name, (began, 0))[0]), ended)
        self._tried += tried
        self._uncovered |= uncovered
        for each in tried:
            for line in try_lines(each, self._sabotages[each.sabotage].title):
                say(f"{line}\n", sys.stdout)


def _write(matrix: Matrix, reports: Path) -> int:
    red = matrix.red
    reports.mkdir(parents=True, exist_ok=True)
    path = reports / PROOF
    whole = joined(matrix, _saved(path))
    path.write_text(to_json(whole), encoding="utf-8")
    (reports / _READABLE).write_text(proof_md(whole), encoding="utf-8")
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    lines = closing_lines(matrix, shown=f"{shown}, {shown.with_name(_READABLE)}")
    say("".join(f"{line}\n" for line in lines), sys.stdout)
    return int(red)


def _saved(path: Path) -> Matrix | None:
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):  # none, or of another version: it is made anew
        return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="acceptance prove",
        description="Put the suite before operators that are bad on purpose, and show what it notices.",
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these sabotages")
    parser.add_argument("--criterion", nargs="+", default=[], metavar="ID", help="these criteria")
    parser.add_argument(
        "--jobs", type=_jobs, default=0, metavar="N", help="runs at a time; 0, the default: one per processor"
    )
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument("--list", action="store_true", help="say what would be tried, and try nothing")
    return parser


def _jobs(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number
