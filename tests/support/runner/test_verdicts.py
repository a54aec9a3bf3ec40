"""What each way to end makes of a scenario, and of the exit status."""

import pytest


@pytest.mark.parametrize(
    ("sentence", "verdict", "reason", "status"),
    [
        ("it passes", "passed", None, 0),
        ('it fails with "Expected 3"', "failed", "Expected 3", 1),
        ('the bed breaks with "no Redis"', "broken", "no Redis", 1),
        ("the code is wrong", "broken", "KeyError: 'missing' (steps/steps.py:", 1),
        ('it cannot be verified for "no Docker"', "not verified", "no Docker", 0),
        ("nobody defined this", "broken", "no step is defined for: Then nobody defined this", 1),
        ("it is not implemented", "broken", "NotImplementedError without a message", 1),
    ],
)
def test_how_a_sentence_ends(tree, sentence, verdict, reason, status) -> None:
    tree.feature(f"  Scenario: a\n    Given it passes\n    Then {sentence}\n    And it passes\n")
    run = tree.behave()
    scenario = tree.scenario("a")
    assert (scenario.status, run.status) == (verdict, status)
    assert scenario.reason == reason or scenario.reason.startswith(reason)
    rest = "passed" if verdict == "passed" else "not run"
    assert [step.status for step in scenario.steps] == ["passed", verdict, rest]


def test_a_scenario_that_a_step_skips_is_not_verified_with_its_reason(tree) -> None:
    tree.write(
        "steps/skip.py",
        "from behave import step\n@step('it skips')\ndef _(c): c.scenario.skip('no Docker here')\n",
    )
    tree.feature("  Scenario: a\n    Given it passes\n    Then it skips\n    And it passes\n")
    assert tree.behave().status == 0
    scenario = tree.scenario("a")
    assert (scenario.status, scenario.reason) == ("not verified", "no Docker here")
    assert [step.status for step in scenario.steps] == ["passed", "not verified", "not run"]


def test_a_scenario_without_sentences_proves_nothing(tree) -> None:
    tree.feature("  Scenario: a\n")
    assert tree.behave().status == 1
    assert tree.verdicts() == {"a": "broken"}


def test_assertions_of_a_task_group_are_a_failure(tree) -> None:
    tree.write(
        "steps/group.py",
        "from behave import step\n@step('a group fails')\n"
        "def _(c): raise ExceptionGroup('tasks', [AssertionError('one'), AssertionError('two')])\n",
    )
    tree.feature("  Scenario: a\n    Then a group fails\n")
    assert tree.behave().status == 1
    assert (tree.scenario("a").status, tree.scenario("a").reason) == ("failed", "one\ntwo")


def test_facts_of_the_hooks_are_in_the_result(tree) -> None:
    tree.hooks("""
def after_scenario(context, scenario):
    scenario.facts = ScenarioFacts(
        measures={"time_to_detect": 0.5}, evidence=("evidence/a/tickets.db",),
        spent={"stack": 2.0, "waiting": 3.0}, substitutes=("model double",))
""")
    tree.feature("  @DEMO-01.1\n  Scenario: a\n    Then it passes\n")
    run = tree.behave()
    scenario = tree.scenario("a")
    assert scenario.measures == {"time_to_detect": 0.5}
    assert scenario.evidence == ("evidence/a/tickets.db",)
    assert scenario.substitutes == ("model double",)
    spent = tree.result().run.spent
    assert (spent["stack"], spent["waiting"]) == (2.0, 3.0)
    assert "partly verified (model double)  1 passed, 2 not covered" in run.output


@pytest.mark.parametrize(
    ("facts", "sentence", "verdict", "reason", "status"),
    [
        ("broken='the heal failed'", "it passes", "broken", "the heal failed", 1),
        ("broken='the heal failed'", 'it fails with "x"', "broken", "the heal failed", 1),
        ("not_verified='no key'", "it passes", "not verified", "no key", 0),
        ("not_verified='no key'", 'it fails with "x"', "failed", "x", 1),
    ],
)
def test_what_the_bed_knows_wins_as_far_as_it_may(tree, facts, sentence, verdict, reason, status) -> None:
    tree.hooks(f"def after_scenario(context, scenario): scenario.facts = ScenarioFacts({facts})")
    tree.feature(f"  Scenario: a\n    Then {sentence}\n")
    assert tree.behave().status == status
    assert (tree.scenario("a").status, tree.scenario("a").reason) == (verdict, reason)


_TWO = "  Scenario: a\n    Then it passes\n  Scenario: b\n    Then it passes\n"


@pytest.mark.parametrize(
    ("hook", "arguments", "verdicts", "problems"),
    [
        ("before_all", "", {"a": "broken", "b": "broken"}, 1),
        ("before_feature", ", feature", {"a": "broken", "b": "broken"}, 0),
        ("before_scenario", ", scenario", {"a": "broken", "b": "broken"}, 0),
        ("before_step", ", step", {"a": "broken", "b": "broken"}, 0),
        ("after_step", ", step", {"a": "broken", "b": "broken"}, 0),
        ("after_scenario", ", scenario", {"a": "broken", "b": "broken"}, 0),
        ("after_feature", ", feature", {"a": "passed", "b": "passed"}, 1),
        ("after_all", "", {"a": "passed", "b": "passed"}, 1),
    ],
)
def test_a_hook_that_fails_is_red_and_said(tree, hook, arguments, verdicts, problems) -> None:
    tree.hooks(f"def {hook}(context{arguments}): raise OSError('no space left')")
    tree.feature(_TWO)
    run = tree.behave()
    assert run.status == 1
    result = tree.result()
    assert tree.verdicts() == verdicts
    assert len(result.run.problems) == problems
    reasons = [*result.run.problems, *(s.reason for s in result.scenarios if s.reason)]
    assert reasons
    for reason in reasons:
        assert f"{hook} failed: OSError: no space left (environment.py:2)" in reason


@pytest.mark.parametrize(
    ("hook", "verdicts", "problems"),
    [
        ("scenario", {"a": "broken", "b": "broken"}, 0),
        ("feature", {"a": "passed", "b": "passed"}, 1),
        ("all", {"a": "passed", "b": "passed"}, 1),
    ],
)
def test_a_cleanup_that_fails_is_red_and_said(tree, hook, verdicts, problems) -> None:
    argument = "" if hook == "all" else ", it"
    tree.hooks(f"""
def broken(): raise OSError("no space left")
def before_{hook}(context{argument}): context.add_cleanup(broken)
""")
    tree.feature(_TWO)
    assert tree.behave().status == 1
    result = tree.result()
    assert tree.verdicts() == verdicts
    assert len(result.run.problems) == problems
    reasons = [*result.run.problems, *(s.reason for s in result.scenarios if s.reason)]
    assert all("a cleanup failed: OSError: no space left" in reason for reason in reasons)


def test_a_step_that_exits_the_process_is_undone_and_reported(tree) -> None:
    tree.hooks("""
def before_all(context): context.add_cleanup(print, "cleaned up")
def after_scenario(context, scenario): print("healed")
def after_feature(context, feature): print("stopped")
def before_scenario(context, scenario): pass
def before_feature(context, feature): pass
""")
    tree.feature("  Scenario: a\n    Then the process exits\n  Scenario: b\n    Then it passes\n")
    run = tree.behave("--no-capture")
    assert run.status == 1
    assert [w for w in run.output.splitlines() if w in ("healed", "stopped", "cleaned up")] == [
        "healed",
        "stopped",
        "cleaned up",
    ]
    assert "SystemExit" in tree.result().run.problems[0]
    assert set(tree.verdicts().values()) == {"not verified"}
    assert "Problem of the run itself\n  the run broke: SystemExit: 3" in tree.behave().output


def test_with_stop_what_was_not_run_is_not_verified(tree) -> None:
    tree.feature('  Scenario: a\n    Then it fails with "x"\n  Scenario: b\n    Then it passes\n')
    assert tree.behave("--stop").status == 1
    assert tree.verdicts() == {"a": "failed", "b": "not verified"}
    assert tree.scenario("b").reason == "not run: the run stopped before it"


def test_a_run_that_a_hook_aborts_is_red_and_says_why(tree) -> None:
    tree.hooks("def after_scenario(context, scenario): context.abort('the disk is full')")
    tree.feature(_TWO)
    assert tree.behave().status == 1
    assert tree.result().run.problems == ("the run was aborted: the disk is full",)
    assert tree.verdicts()["b"] == "not verified"


def test_for_a_release_what_is_not_proven_is_red_and_one_line_says_why(tree) -> None:
    tree.feature("  @DEMO-01.1\n  Scenario: one\n    Given it passes\n")
    default, release = tree.behave(), tree.behave("-D", "gate=all")
    assert default.status == 0
    assert "Gate       ✓ green: nothing failed and no bed broke; 3 criteria not covered" in default.output
    assert release.status == 1
    assert "Gate       ✗ red: 3 criteria not covered\n" in release.output


def test_the_next_run_remembers_this_one(tree) -> None:
    tree.feature("  @DEMO-01.1\n  Scenario: one\n    Given it passes\n")
    tree.behave()
    tree.behave()
    past = tree.result().criteria[0].past
    assert [each.status for each in past] == ["passed"]
