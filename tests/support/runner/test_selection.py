"""Which scenarios a run is about, and that a run about nothing is red."""

import pytest

_TAGGED = """
  @DEMO-01.1
  Scenario: first
    Then it passes
  @DEMO-01.10
  Scenario: tenth
    Then it passes
  @DEMO-02.1
  Scenario: other
    Then it passes
  @DEMO-01.2 @slow
  Scenario: slow
    Then it passes
  @DEMO-01.2 @meta
  Scenario: about itself
    Then it passes
  Scenario: nobody's
    Then it passes
"""


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        ((), {"first", "tenth", "other", "nobody's"}),
        (("--tags", "@DEMO-01"), {"first", "tenth"}),
        (("--tags", "@DEMO-01.1"), {"first"}),
        (("--tags", "@DEMO-01 or @slow"), {"first", "tenth", "slow"}),
        (("--tags", "@DEMO-01", "--tags", "@slow"), {"slow"}),
        (("--tags", "@slow"), {"slow"}),
        (("--tags", "@s*w"), {"slow"}),
        (("--tags", "@meta"), {"about itself"}),
        (("--tags", "not @slow"), {"first", "tenth", "other", "nobody's"}),
        (("--tags", "not @DEMO-01"), {"other", "nobody's"}),
        (("--name", "th"), {"tenth", "other"}),
        (("features/one.feature:7",), {"tenth"}),
        (("features/one.feature",), {"first", "tenth", "other", "nobody's"}),
    ],
)
def test_what_is_selected(tree, options, selected) -> None:
    tree.feature(_TAGGED)
    run = tree.behave(*options)
    assert run.status == 0, run.output
    assert tree.verdicts() == dict.fromkeys(selected, "passed")


def test_a_row_is_selected_by_the_requirement_of_its_own_criterion(tree) -> None:
    tree.feature("""
  @DEMO-01.<part>
  Scenario Outline: row <part>
    Then it passes
    Examples:
      | part |
      | 1    |
      | 2    |
    @DEMO-02.1
    Examples: more
      | part |
      | 10   |
""")
    tree.behave("--tags", "@DEMO-01")
    assert set(tree.verdicts()) == {"row 1 -- @1.1", "row 2 -- @1.2", "row 10 -- @2.1 more"}
    tree.behave("--tags", "@DEMO-02")
    assert set(tree.verdicts()) == {"row 10 -- @2.1 more"}
    tree.behave("--tags", "@DEMO-01.2")
    assert set(tree.verdicts()) == {"row 2 -- @1.2"}


def test_a_criterion_that_the_feature_is_tagged_with_counts_for_its_scenarios(tree) -> None:
    tree.write("features/one.feature", "@DEMO-01.2\nFeature: one\n  Scenario: a\n    Then it passes\n")
    tree.behave("--tags", "@DEMO-01")
    assert tree.scenario("a").ids == ("DEMO-01", "DEMO-01.2")


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_an_id_that_the_register_does_not_know_stops_the_run_before_anything_starts(tree, options) -> None:
    tree.feature(_TAGGED + "  @DEMO-01.11\n  Scenario: lost\n    Then it passes\n")
    tree.hooks("print('environment loaded')")
    run = tree.behave(*options)
    assert run.status == 1
    assert (
        "features/one.feature:20: @DEMO-01.11 is not in the requirement register; "
        "did you mean DEMO-01.1" in run.output
    )
    assert "environment loaded" not in run.output
    assert not (tree.path / "reports").exists()


def test_an_unknown_id_of_examples_is_found_where_it_stands(tree) -> None:
    tree.feature("""
  Scenario Outline: row
    Then it passes
    @DEMO-07
    Examples:
      | a |
      | 1 |
""")
    run = tree.behave()
    assert run.status == 1
    assert "features/one.feature:5: @DEMO-07 is not in" in run.output


def test_an_unknown_id_in_the_tag_expression_stops_the_run(tree) -> None:
    tree.feature(_TAGGED)
    run = tree.behave("--tags", "@DEMO-01 or @DEMO-03.1")
    assert run.status == 1
    assert "--tags @DEMO-01 or @DEMO-03.1: @DEMO-03.1 is not in the requirement" in run.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tags", "@nothing"), "No scenario is selected by --tags '@nothing' in features"),
        (("--name", "nothing"), "No scenario is selected by --name 'nothing' in features"),
        (("--tags", "@tikv,@foo"), "write --tags '@tikv or @foo'"),
        (("--tags", "~@DEMO-01", "--name", "zz"), "write --tags 'not @DEMO-01'"),
        (("--tags", "@DEMO-01.2"), "--tags '@DEMO-01.2 and @meta'"),
        (("features/one.feature:13",), "--tags '@slow'"),
        (("--wip",), "--tags '@wip'"),
        (("--dry-run", "--tags", "@nothing"), "No scenario is selected"),
    ],
)
def test_a_run_that_selects_nothing_is_red_and_says_what_selected_nothing(tree, options, said) -> None:
    tree.feature(_TAGGED)
    run = tree.behave(*options)
    assert run.status == 1
    assert said in run.output


def test_no_hook_is_called_for_a_feature_of_which_nothing_is_selected(tree) -> None:
    tree.feature("  Scenario: a\n    Then it passes\n", name="wanted")
    tree.feature("  @slow\n  Scenario: b\n    Then it passes\n", name="slow")
    tree.hooks("""
def before_feature(context, feature): print("begin", feature.name)
before_feature.show_capture_on_success = True
""")
    run = tree.behave("--no-capture")
    assert "begin wanted" in run.output
    assert "begin slow" not in run.output


def test_what_was_not_selected_is_not_verified_and_what_nobody_checks_is_not_covered(tree) -> None:
    tree.feature(_TAGGED)
    tree.feature("  @DEMO-02.1\n  Scenario: elsewhere\n    Then it passes\n", name="two")
    tree.behave("features/one.feature", "--tags", "@DEMO-01.1 or @DEMO-02")
    first, second = tree.result().requirements
    assert first.status == "partly verified"
    assert [(c.status, c.reason) for c in first.criteria] == [
        ("passed", None),
        ("not verified", "not selected"),
        ("not verified", "not selected"),
    ]
    assert second.status == "not verified"
    assert second.criteria[0].reason == "1 of 2 scenarios not selected"


def test_a_feature_that_cannot_be_read_does_not_keep_another_from_running(tree) -> None:
    tree.feature(_TAGGED)
    tree.feature("  Scenario: half\n    Then it passes\n    Nonsense\n", name="half")
    run = tree.behave("features/one.feature")
    assert run.status == 0
    assert "half.feature: its criteria are not counted" in run.output
    assert tree.behave().status == 1
