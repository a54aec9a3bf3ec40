"""Several runs as one result: on processes, on Docker, with a live model; or the shards of one run.

Every scenario counts by its best evidence, a failure in any run stays a failure, and what one run did not
select another may have shown. Every run is named.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from support.report.assemble import Coverage, assemble
from support.report.model import RunInfo, RunResult, ScenarioResult
from support.report.register import Criterion, Register, Requirement
from support.report.traceability import from_json
from support.report.write import EVIDENCE, TRACEABILITY

__all__ = ["UnreadableReport", "load_result", "merge", "merge_directories"]


class UnreadableReport(Exception):
    """A directory holds no result that can be read; the message says which and why."""


def load_result(directory: Path) -> RunResult:
    """The result that a run left in its reports directory. Raises UnreadableReport."""
    path = directory / TRACEABILITY
    try:
        return from_json(path.read_bytes())
    except FileNotFoundError:
        raise UnreadableReport(f"{path}: there is no result here") from None
    except OSError as error:
        raise UnreadableReport(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableReport(
            f"{path}: not a result of this version ({type(error).__name__}: {error}); run it again"
        ) from None


def merge_directories(directories: Sequence[Path], target: Path) -> RunResult:
    """Join the results in `directories`, and bring their evidence to `target`, below the name of its run.

    Nothing is written before everything is read. Files are linked where the file system allows it, copied
    where not. Raises UnreadableReport, ValueError for less than two or a `target` that is one of them,
    OSError when it cannot be written to.
    """
    if len(directories) < 2:
        raise ValueError("joining takes the reports of at least two runs")
    if target.resolve() in [directory.resolve() for directory in directories]:
        raise ValueError(f"{target}: is one of the reports to join; join them into another directory")
    results = [load_result(directory) for directory in directories]
    for result, directory in zip(results, directories, strict=True):
        if result.runs:
            raise UnreadableReport(f"{directory}: is joined from several runs; join those runs themselves")
    merged = merge(results)
    if (target / EVIDENCE).exists():
        shutil.rmtree(target / EVIDENCE)
    for run, directory in zip(merged.runs, directories, strict=True):
        if (directory / EVIDENCE).is_dir():
            shutil.copytree(directory / EVIDENCE, target / EVIDENCE / _slug(run.name), copy_function=_link)
    return merged


def merge(results: Sequence[RunResult]) -> RunResult:
    """Join the results of several single runs."""
    names = _names([result.run for result in results])
    runs = [replace(result.run, name=name) for result, name in zip(results, names, strict=True)]
    scenarios = [
        _of_run(scenario, name)
        for result, name in zip(results, names, strict=True)
        for scenario in result.scenarios
    ]
    register, disagreements = _joint_register(results)
    unknown = sorted({id_ for s in scenarios for id_ in s.ids if id_ not in register.ids})
    problems = [f"{run.name}: {problem}" for run in runs for problem in run.problems]
    problems += [f"{run.name}: interrupted by {run.interrupted}" for run in runs if run.interrupted]
    problems += disagreements
    problems += [f"{id_}: no register of these runs knows this id" for id_ in unknown]
    run = _joint_run(runs, problems)
    merged = assemble(run, register, scenarios, Coverage.of(_unselected(results), slow=_slow(results)))
    return replace(merged, runs=tuple(runs))


def _of_run(scenario: ScenarioResult, name: str) -> ScenarioResult:
    moved = (Path(path).relative_to(EVIDENCE) for path in scenario.evidence if path.startswith(EVIDENCE))
    evidence = tuple(str(Path(EVIDENCE, _slug(name), path)) for path in moved)
    return replace(scenario, run=name, evidence=evidence)


def _names(runs: Sequence[RunInfo]) -> list[str]:
    """A name for each: its stack and model, its operator where they differ, and a number if need be."""
    plain = [f"{run.stack}, model {run.model}" for run in runs]
    if len({run.operator for run in runs}) > 1:
        plain = [f"{name}, operator {run.operator}" for name, run in zip(plain, runs, strict=True)]
    return [
        f"{name}, run {plain[: n + 1].count(name)}" if plain.count(name) > 1 else name
        for n, name in enumerate(plain)
    ]


def _joint_register(results: Sequence[RunResult]) -> tuple[Register, list[str]]:
    """All requirements, as the latest run reads them, and what the runs disagree about."""
    requirements: dict[str, Requirement] = {}
    disagreements: list[str] = []
    for result in sorted(results, key=lambda result: result.run.started):
        for found in result.requirements:
            read = Requirement(
                id=found.id,
                title=found.title,
                statement=found.statement,
                source=found.source,
                criteria=tuple(Criterion(id=c.id, text=c.text) for c in found.criteria),
            )
            earlier = requirements.get(read.id, read)
            if earlier.criteria != read.criteria or earlier.statement != read.statement:
                disagreements.append(f"{read.id}: the runs were made for different texts of it")
            requirements[read.id] = read
    return Register(requirements=tuple(requirements.values())), list(dict.fromkeys(disagreements))


def _unselected(results: Sequence[RunResult]) -> Iterator[tuple[str, list[str]]]:
    """What no run selected is not verified; `assemble` leaves out what any of them has run."""
    ids: dict[str, dict[str, None]] = {}
    for result in results:
        for criterion in result.criteria:
            for location in criterion.unselected:
                ids.setdefault(location, {})[criterion.id] = None
    return ((location, list(found)) for location, found in ids.items())


def _slow(results: Sequence[RunResult]) -> Iterator[str]:
    return (location for result in results for criterion in result.criteria for location in criterion.slow)


def _joint_run(runs: Sequence[RunInfo], problems: list[str]) -> RunInfo:
    commits = list(dict.fromkeys(run.commit for run in runs))
    codes = {run.code for run in runs}
    if len(codes) > 1:
        named = ", ".join(f"{run.name}: {run.commit or 'not known'}" for run in runs)
        problems.append(f"the runs are of different code, so nobody can sign for one commit: {named}")
    latest = max(runs, key=lambda run: run.started)
    versions = {name: text for run in runs for name, text in run.versions.items()}
    return replace(
        latest,
        name="",
        started=min(run.started for run in runs),
        seconds=round(sum(run.seconds for run in runs), 3),
        command=("acceptance", "report", "merge"),
        stack=_joint(runs, lambda run: run.stack),
        model=_joint(runs, lambda run: run.model),
        operator=_joint(runs, lambda run: run.operator),
        machine=_joint(runs, lambda run: run.machine),
        versions=versions,
        spent={
            name: round(sum(run.spent.get(name, 0.0) for run in runs), 3)
            for name in dict.fromkeys(name for run in runs for name in run.spent)
        },
        interrupted=None,
        problems=tuple(problems),
        commit=" and ".join(commit or "not known" for commit in commits),
        code=next(iter(codes)) if len(codes) == 1 else None,
        gate="all" if any(run.gate == "all" for run in runs) else "default",
    )


def _joint(runs: Sequence[RunInfo], part: Callable[[RunInfo], str]) -> str:
    return " and ".join(dict.fromkeys(text for run in runs if (text := part(run))))


def _slug(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
