"""Several runs make one report: best evidence first, every run named, no failure lost."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from support.report.commands import main
from support.report.merge import merge
from support.report.model import RunResult
from support.report.traceability import from_json
from support.report.write import write_reports


@pytest.fixture
def processes(result: RunResult) -> RunResult:
    return replace(result, run=replace(result.run, interrupted=None, problems=()))


@pytest.fixture
def docker(processes: RunResult) -> RunResult:
    """The same on Docker: all that was run passed, with nothing substituted."""
    return replace(
        _each(processes, status="passed", reason=None, substitutes=()),
        run=replace(processes.run, stack="docker", started="2025-03-01T13:00:00.000Z"),
    )


def _each(result: RunResult, **changes) -> RunResult:
    def changed(scenarios):
        return tuple(replace(s, **changes) for s in scenarios)

    return replace(
        result,
        requirements=tuple(
            replace(
                r,
                scenarios=changed(r.scenarios),
                criteria=tuple(replace(c, scenarios=changed(c.scenarios)) for c in r.criteria),
            )
            for r in result.requirements
        ),
        unassigned=changed(result.unassigned),
    )


def _criteria(result: RunResult):
    return {c.id: c for c in result.criteria}


def test_a_criterion_shows_its_best_evidence_first(processes, docker) -> None:
    startup = _criteria(merge([processes, docker]))["DEMO-05.1"]
    assert startup.status == "passed"
    assert [(s.run, s.substitutes) for s in startup.scenarios] == [
        ("docker, model double", ()),
        ("process, model double", ("model double",)),
    ]


def test_a_failure_in_any_run_stays_a_failure(processes, docker) -> None:
    noticed = _criteria(merge([processes, docker]))["DEMO-05.2"]
    assert noticed.status == "failed"
    assert noticed.scenarios[0].run == "process, model double"


def test_what_broke_or_could_not_be_verified_in_one_run_may_be_shown_by_another(processes, docker) -> None:
    criteria = _criteria(merge([processes, docker]))
    assert criteria["DEMO-05.3"].status == "passed"
    assert criteria["DEMO-06.1"].status == "passed"
    assert len(criteria["DEMO-05.3"].scenarios) == 2


def test_shards_of_one_run_make_it_whole(processes) -> None:
    first = replace(processes, unassigned=())
    where = "features/demo.feature:20"
    assert _criteria(first)["AUDIT-01.2"].unselected == (where,)
    scenario = replace(processes.unassigned[0], location=where, ids=("AUDIT-01", "AUDIT-01.2"))
    second = replace(processes, requirements=processes.requirements, unassigned=(scenario,))
    exact = _criteria(merge([first, second]))["AUDIT-01.2"]
    assert (exact.status, exact.unselected) == ("passed", ())


def test_shards_do_not_wait_for_a_slow_scenario_that_none_of_them_ran(processes) -> None:
    (requirement, *others) = (r for r in processes.requirements if r.id == "AUDIT-01")
    assert not others
    at = "features/slow.feature:7"
    criteria = tuple(replace(c, unselected=(*c.unselected, at), slow=(at,)) for c in requirement.criteria)
    first = replace(processes, unassigned=(), requirements=(replace(requirement, criteria=criteria),))
    scenario = replace(
        processes.unassigned[0], location="features/demo.feature:20", ids=("AUDIT-01", "AUDIT-01.2")
    )
    second = replace(first, unassigned=(scenario,))
    exact = _criteria(merge([first, second]))["AUDIT-01.2"]
    assert (exact.status, exact.unselected) == ("passed", (at,))


def test_every_run_is_named(processes, docker) -> None:
    merged = merge([processes, processes, docker])
    assert [run.name for run in merged.runs] == [
        "process, model double, run 1",
        "process, model double, run 2",
        "docker, model double",
    ]
    assert merged.run.stack == "process and docker"
    assert merged.run.problems == ()


def test_runs_of_different_code_cannot_be_signed_as_one(processes, docker) -> None:
    other = replace(docker, run=replace(docker.run, commit="ba9876543210", code="ba9876543210"))
    (problem,) = merge([processes, other]).run.problems
    assert "the runs are of different code" in problem
    assert "docker, model double: ba9876543210" in problem


def test_runs_for_different_texts_disagree(processes, docker) -> None:
    changed = replace(docker.requirements[0], statement="Something else.")
    other = replace(docker, requirements=(changed, *docker.requirements[1:]))
    assert merge([processes, other]).run.problems == (
        "DEMO-05: the runs were made for different texts of it",
    )


def _written(result: RunResult, at: Path) -> Path:
    write_reports(result, at, root=at)
    (at / "evidence/over/1").mkdir(parents=True)
    (at / "evidence/over/1/timeline.ndjson").write_text("")
    return at


def test_the_command_joins_reports_with_their_evidence(tmp_path, processes, docker, capsys) -> None:
    one, two = _written(processes, tmp_path / "one"), _written(docker, tmp_path / "two")
    assert main(["merge", str(one), str(two), "--into", str(tmp_path / "both")]) == 1
    merged = from_json((tmp_path / "both/traceability.json").read_bytes())
    startup = _criteria(merged)["DEMO-05.1"]
    assert all((tmp_path / "both" / s.evidence[0]).is_file() for s in startup.scenarios)
    assert "Gate    red: 1 scenario failed, 1 broken bed" in capsys.readouterr().out
    assert (one / "evidence/over/1/timeline.ndjson").is_file()


def test_a_saved_result_is_rendered_again(tmp_path, docker, capsys) -> None:
    reports = _written(docker, tmp_path)
    before = json.loads((reports / "traceability.json").read_bytes())
    (reports / "index.html").unlink()
    assert main([str(reports)]) == 0
    assert (reports / "index.html").is_file()
    assert json.loads((reports / "traceability.json").read_bytes()) == before
    assert main([str(reports), "--gate", "all"]) == 1


def test_what_cannot_be_joined_is_said(tmp_path, processes, capsys) -> None:
    one = _written(processes, tmp_path / "one")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/traceability.json").write_text('{"run": {}}')
    assert main(["merge", str(one)]) == 2
    assert main(["merge", str(one), str(tmp_path / "none")]) == 2
    assert main(["merge", str(one), str(tmp_path / "old")]) == 2
    assert main(["merge", str(one), str(one), "--into", str(one)]) == 2
    said = capsys.readouterr().err
    assert "joining takes the reports of at least two runs" in said
    assert "there is no result here" in said
    assert "not a result of this version" in said
    assert "join them into another directory" in said
    assert (one / "evidence/over/1/timeline.ndjson").is_file()
