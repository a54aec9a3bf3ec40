"""Two runs at once in one checkout: the second is refused, the first is none the wiser."""

import re

_FEATURE = "  @DEMO-01.1\n  Scenario: a\n    Then it waits\n"


def test_the_second_run_names_the_first_and_leaves_its_reports_alone(tree) -> None:
    tree.feature(_FEATURE)
    tree.hooks("")
    tree.write("reports/evidence/one/earlier", "")
    with tree.behaving() as first:
        for line in first.stdout:
            if line.strip() == "waiting":
                break
        tree.write("reports/evidence/one/monitor.stdout", "a line of the first run")
        second = tree.behave()
        assert second.status == 1
        assert "Nothing was run." in second.output
        assert re.search(rf"another run writes to \S+/reports, pid {first.pid};", second.output)
        assert (tree.path / "reports/evidence/one/monitor.stdout").exists()
        elsewhere = tree.behave("-D", "reports=elsewhere", "--name", "nothing")
        assert "No scenario is selected" in elsewhere.output
        first.communicate("x")
    assert first.returncode == 0
    assert tree.verdicts() == {"a": "passed"}
    assert not (tree.path / "reports/evidence/one/earlier").exists()


def test_a_run_that_was_killed_keeps_nobody_out(tree) -> None:
    tree.feature(_FEATURE)
    with tree.behaving() as first:
        for line in first.stdout:
            if line.strip() == "waiting":
                break
        first.kill()
        first.wait()
    assert tree.behave("--tags", "@DEMO-01.1").status == 0


def test_a_report_that_can_no_longer_be_written_is_a_red_run(tree) -> None:
    tree.feature("  @DEMO-01.1\n  Scenario: a\n    Then it passes\n")
    tree.hooks(
        "import shutil\ndef after_all(context): shutil.rmtree('reports'); open('reports', 'w').close()\n"
    )
    run = tree.behave()
    assert run.status == 1
    assert "The report could not be written to reports: " in run.output
    assert "Scenarios  1 passed" in run.output
    assert "Traceback" not in run.output
