"""SIGINT, SIGTERM and SIGHUP: what runs is stopped, what was begun is undone, and the report says so."""

import signal
import subprocess
from contextlib import suppress

import pytest

from support.interruption import Interruption

_HOOKS = """
import os
def say(*words): os.write(1, (" ".join(words) + "\\n").encode())
def before_all(context): context.add_cleanup(say, "cleaned up")
def before_feature(context, feature): say("begin", feature.name)
def after_feature(context, feature): say("end", feature.name)
def before_scenario(context, scenario): say("begin", scenario.name)
def after_scenario(context, scenario): say("end", scenario.name)
"""
_FEATURE = """
  @DEMO-01.1
  Scenario: before
    Then it passes
  @DEMO-01.2
  Scenario: during
    Given it passes
    When it waits
    Then it passes
  @DEMO-01.10
  Scenario: after
    Then it passes
"""

_LONG = """
import time
from behave import step
@step("it takes long")
def _(context):
    open("long", "w").close()
    time.sleep(60)
"""


def _until_there(path, process) -> None:
    while not path.exists():
        assert process.poll() is None, process.stdout.read()


def _until(process, line: str) -> None:
    for seen in process.stdout:
        if seen.strip() == line:
            return
    raise AssertionError(f"the run ended without {line!r}")


def _said(output: str) -> list[str]:
    words = ("begin", "end", "cleaned up", "healing", "healed")
    return [line for line in output.splitlines() if line.startswith(words)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_running_step_is_stopped_and_everything_begun_is_ended(tree, number) -> None:
    tree.hooks(_HOOKS)
    tree.feature(_FEATURE)
    tree.feature("  Scenario: later\n    Then it passes\n", name="two")
    with tree.behaving() as process:
        _until(process, "waiting")
        process.send_signal(number)
        output = process.stdout.read()
        assert process.wait() == 128 + number
    assert _said(output) == ["end during", "end one", "cleaned up"]
    assert f"{number.name}: stopping" in output
    assert f"Interrupted by {number.name}" in output
    assert tree.result().run.interrupted == number.name
    assert tree.verdicts() == {
        "before": "passed",
        "during": "not verified",
        "after": "not verified",
        "later": "not verified",
    }
    assert tree.scenario("during").reason == f"interrupted by {number.name} at: When it waits"
    assert tree.scenario("after").reason == f"not run: interrupted by {number.name}"
    assert [step.status for step in tree.scenario("during").steps] == [
        "passed",
        "not verified",
        "not run",
    ]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_second_signal_ends_the_run_now(tree, jobs) -> None:
    tree.hooks(
        _HOOKS
        + """
def after_scenario(context, scenario):
    if scenario.name == "during":
        open("healing", "w").close()
        import time
        time.sleep(60)
"""
    )
    tree.write("steps/long.py", _LONG)
    tree.feature(_FEATURE.replace("it waits", "it takes long"))
    with tree.behaving("--jobs", jobs) as process:
        _until_there(tree.path / "long", process)
        process.send_signal(signal.SIGINT)
        _until_there(tree.path / "healing", process)
        while process.poll() is None:  # what comes at once with the first is not a second one
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        output = process.stdout.read()
    assert process.returncode == 128 + signal.SIGTERM
    assert "SIGTERM: ending now" in output
    assert not (tree.path / "reports/traceability.json").exists()


def test_signals_at_once_are_one_request() -> None:
    noticed: list[str] = []
    with Interruption(raise_in=(), noticed=noticed.append) as interruption:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert interruption.signal is signal.SIGTERM
    assert noticed == ["SIGTERM"]


def test_a_signal_during_a_heal_lets_it_finish_and_begins_nothing_more(tree) -> None:
    tree.hooks(
        _HOOKS
        + """
def after_scenario(context, scenario):
    say("healing")
    os.read(0, 1)
    say("healed")
"""
    )
    tree.feature("  Scenario: a\n    Then it passes\n  Scenario: b\n    Then it passes\n")
    with tree.behaving() as process:
        _until(process, "healing")
        process.send_signal(signal.SIGTERM)
        _until(process, "SIGTERM: stopping, and undoing what was begun")
        output, _ = process.communicate("x")
    assert process.returncode == 128 + signal.SIGTERM
    assert _said(output) == ["healed", "end one", "cleaned up"]
    assert tree.verdicts() == {"a": "passed", "b": "not verified"}


def test_a_signal_between_two_sentences_keeps_the_next_from_beginning(tree) -> None:
    tree.hooks(
        _HOOKS
        + """
def after_step(context, step):
    say("healing")
    os.read(0, 1)
"""
    )
    tree.feature('  Scenario: a\n    Given it passes\n    Then it passes, saying "begin anyway"\n')
    with tree.behaving() as process:
        _until(process, "healing")
        process.send_signal(signal.SIGTERM)
        _until(process, "SIGTERM: stopping, and undoing what was begun")
        output, _ = process.communicate("x")
    assert _said(output) == ["end a", "end one", "cleaned up"]
    assert tree.verdicts() == {"a": "not verified"}


def test_a_signal_between_the_last_hook_and_the_sentence_keeps_it_from_beginning(tree) -> None:
    tree.hooks(
        _HOOKS
        + """
import signal
from behave.matchers import Match
run = Match.run
def signalled_before(self, context):
    signal.raise_signal(signal.SIGTERM)
    run(self, context)
Match.run = signalled_before
"""
    )
    tree.feature('  Scenario: a\n    Given it passes, saying "begin anyway"\n    Then it passes\n')
    run = tree.behave()
    assert run.status == 128 + signal.SIGTERM
    assert _said(run.output) == ["begin one", "begin a", "end a", "end one", "cleaned up"]
    assert tree.scenario("a").reason.startswith("interrupted by SIGTERM at: Given it passes")


def test_a_signal_during_a_cleanup_lets_the_other_cleanups_run(tree) -> None:
    tree.hooks(
        _HOOKS
        + """
def slowly():
    say("healing")
    os.read(0, 1)
    say("healed")
def before_feature(context, feature):
    context.add_cleanup(slowly)
"""
    )
    tree.feature(_FEATURE.replace("it waits", "it passes"))
    with tree.behaving() as process:
        _until(process, "healing")
        process.send_signal(signal.SIGTERM)
        _until(process, "SIGTERM: stopping, and undoing what was begun")
        output, _ = process.communicate("x")
    assert process.returncode == 128 + signal.SIGTERM
    assert _said(output) == ["healed", "cleaned up"]
    assert set(tree.verdicts().values()) == {"passed"}


@pytest.mark.parametrize(
    ("hook", "argument", "ended"),
    [
        ("before_all", "", ["cleaned up"]),
        ("before_feature", ", feature", ["end one", "cleaned up"]),
        ("before_scenario", ", scenario", ["end before", "end one", "cleaned up"]),
    ],
)
def test_a_hook_that_starts_something_is_stopped_and_what_it_began_is_ended(
    tree, hook, argument, ended
) -> None:
    tree.hooks(
        _HOOKS
        + f"""
def {hook}(context{argument}):
    context.add_cleanup(say, "cleaned up")
    say("starting")
    os.read(0, 1)
    say("begin anyway")
"""
        + ("" if hook == "before_all" else "del before_all\n")
    )
    tree.feature(_FEATURE.replace("it waits", "it passes"))
    with tree.behaving() as process:
        _until(process, "starting")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    said = _said(output)
    assert sorted(said) == sorted(ended)
    assert set(tree.verdicts().values()) == {"not verified"}


def test_a_signal_before_anything_is_started_ends_the_run(tree) -> None:
    tree.hooks("import os\nos.write(1, b'loading\\n')\nos.read(0, 1)\n")
    tree.feature(_FEATURE)
    with tree.behaving() as process:
        _until(process, "loading")
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 128 + signal.SIGINT
    assert not (tree.path / "reports").exists()
