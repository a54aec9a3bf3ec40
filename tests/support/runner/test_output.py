"""What a run prints and writes, whichever way behave is called."""

import json

import pytest

from support.report.gate import gate

_FEATURE = """
  @DEMO-01.1
  Scenario: good
    Then it passes
  @DEMO-01.2 @wip
  Scenario: bad
    Given it passes
    Then it fails with "Expected 3, but was 4"
"""


def test_a_plain_run_prints_a_line_per_scenario_and_the_summary(tree) -> None:
    tree.hooks("""
def after_scenario(context, scenario):
    scenario.facts = ScenarioFacts(evidence=("evidence/x/a.log", "evidence/x/b.log"))
""")
    tree.feature(_FEATURE)
    run = tree.behave("--no-snippets")
    assert run.status == 1
    lines = run.output.splitlines()
    assert lines[1] == "one  features/one.feature"
    assert lines[2].split() == ["✓", "passed", lines[2].split()[2], "s", "good"]
    assert lines[3].startswith("  ✗ failed ")
    assert lines[4:7] == [
        '        Then it fails with "Expected 3, but was 4"',
        "          Expected 3, but was 4",
        "        evidence: reports/evidence/x",
    ]
    assert "  behave features/one.feature:7  bad" in lines
    assert "  DEMO-01   ✗ failed  1 passed, 1 failed, 1 not covered" in lines
    assert "  not covered by any scenario: DEMO-02" in lines
    assert "Scenarios  1 passed, 1 failed" in lines
    assert lines[-2:] == ["Gate       ✗ red: 1 scenario failed", "Report     reports/index.html"]
    assert "steps passed" not in run.output  # behave's own summary


def test_the_last_verdict_of_a_feature_does_not_wait_for_its_stack_to_stop(tree) -> None:
    tree.hooks("import os\ndef after_feature(context, feature): os.write(1, b'stopping\\n')")
    tree.feature("  Scenario: a\n    Then it passes\n")
    lines = tree.behave().output.splitlines()
    assert lines[2].endswith(" a")
    assert lines[3] == "stopping"


def test_behave_and_python_m_behave_are_the_same(tree) -> None:
    tree.feature(_FEATURE)
    entry = ("-c", "import sys; sys.argv[0] = 'behave'; from behave.__main__ import main; sys.exit(main())")
    assert tree.behave(command=entry).status == tree.behave().status == 1


def test_no_colours_where_there_is_no_terminal_unless_asked_for(tree) -> None:
    tree.feature(_FEATURE)
    assert "\x1b[" not in tree.behave().output
    assert "\x1b[32m✓ passed" in tree.behave("--color=on").output


def test_a_terminal_that_knows_little_gets_all_of_it(tree) -> None:
    tree.write("features/é.feature", 'Feature: é\n  Scenario: ü\n    Then it fails with "ß"\n')
    run = tree.behave(environ={"PYTHONIOENCODING": "ascii"})
    assert run.status == 1
    assert "\n\\xe9  features/" in run.output
    assert "x failed" in run.output
    assert tree.verdicts() == {"ü": "failed"}


@pytest.mark.parametrize("name", ["pretty", "plain", "progress", "json", "rerun"])
def test_with_any_formatter_the_run_is_reported(tree, name) -> None:
    tree.feature(_FEATURE)
    run = tree.behave("-f", name, "-o", "out.txt")
    assert run.status == 1
    assert tree.verdicts() == {"good": "passed", "bad": "failed"}
    assert "Scenarios  1 passed, 1 failed" in run.output
    assert "✗ failed  " not in run.output.split("Requirements")[0]


def test_json_into_a_file_is_json(tree) -> None:
    tree.feature(_FEATURE)
    tree.behave("-f", "json", "-o", "out.json")
    (feature,) = json.loads((tree.path / "out.json").read_text())
    assert [e["status"] for e in feature["elements"]] == ["passed", "failed"]


def test_no_summary_is_no_summary(tree) -> None:
    tree.feature(_FEATURE)
    assert "Requirements" not in tree.behave("--no-summary").output


@pytest.mark.parametrize("options", [("--no-capture",), ("--wip",)])
def test_a_failure_is_one_with_other_captures_and_modes_too(tree, options) -> None:
    tree.feature(_FEATURE)
    assert tree.behave(*options).status == 1
    assert tree.verdicts()["bad"] == "failed"


def test_a_dry_run_lists_what_is_selected_and_writes_nothing(tree) -> None:
    tree.feature(_FEATURE)
    tree.hooks("def before_all(context): print('a hook ran')")
    run = tree.behave("--dry-run", "--tags", "@DEMO-01")
    assert run.status == 0, run.output
    assert "  good  features/one.feature:4" in run.output
    assert "Dry run: 2 selected" in run.output
    assert "a hook ran" not in run.output
    assert not (tree.path / "reports").exists()


def test_a_dry_run_finds_sentences_that_nothing_defines(tree) -> None:
    tree.feature("  Scenario: a\n    Then nobody defined this\n")
    assert tree.behave("--dry-run").status == 1


def test_the_catalogue_of_steps_is_printed(tree) -> None:
    tree.feature(_FEATURE)
    run = tree.behave("--steps-catalog")
    assert run.status == 0
    assert "Given it passes" in run.output


def test_the_reports_directory_can_be_chosen(tree) -> None:
    tree.feature(_FEATURE)
    tree.behave("-D", "reports=elsewhere")
    assert gate(tree.result("elsewhere")).red
    assert not (tree.path / "reports").exists()


def test_a_setting_that_is_not_known_stops_the_run(tree) -> None:
    tree.feature(_FEATURE)
    run = tree.behave("-D", "stak=process")
    assert run.status == 1
    assert "Nothing was run.\n-D stak: there is no such setting; did you mean stack?" in run.output


def test_a_register_that_is_wrong_stops_the_run(tree) -> None:
    tree.feature(_FEATURE)
    (tree.path / "features/requirements.toml").unlink()
    run = tree.behave()
    assert run.status == 1
    assert "features/requirements.toml: there is no requirement register here" in run.output


def test_results_of_an_earlier_run_are_gone(tree) -> None:
    tree.feature(_FEATURE, name="one")
    tree.feature(_FEATURE, name="two")
    tree.behave()
    assert {p.name for p in (tree.path / "reports/junit").iterdir()} == {"TEST-one.xml", "TEST-two.xml"}
    tree.hooks("import os\ndef before_all(context): os.kill(os.getpid(), 9)")
    assert tree.behave("features/one.feature").status == -9
    assert not (tree.path / "reports/traceability.json").exists()
    assert not list((tree.path / "reports/junit").iterdir())


def test_a_reader_that_leaves_does_not_keep_the_report_from_being_written(tree) -> None:
    tree.feature("  Scenario: a\n    Then it waits\n  Scenario: b\n    Then it passes\n")
    with tree.behaving() as process:
        assert "waiting\n" in process.stdout  # reads up to that line
        process.stdout.close()
        process.stdin.write("x")
        process.stdin.close()
        process.wait()
    assert tree.verdicts() == {"a": "passed", "b": "passed"}
