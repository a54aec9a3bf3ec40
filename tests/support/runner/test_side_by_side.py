"""`--jobs N`: what is said, shown and reported is as with one job; only the order of the runs differs."""

import re
import signal
import time

import pytest

from support.supervisor.leftovers import read_process

_WORKER = """
import os
def say(*words): os.write(1, (" ".join(words) + "\\n").encode())
def before_all(context): context.add_cleanup(say, "cleaned up")
def after_feature(context, feature): say("end", feature.name)
def after_scenario(context, scenario): say("end", scenario.name)
"""
_STEPS = """
import os, pathlib, signal, time
from behave import step

@step("it meets the other one")
def meets(context):
    mine, other = sorted(("x", "y"), key=lambda name: name != context.scenario.name)
    pathlib.Path(mine).touch()
    deadline = time.monotonic() + 20
    while not pathlib.Path(other).exists():
        assert time.monotonic() < deadline, "the other one did not come"
        time.sleep(0.01)

@step("its worker dies")
def dies(context):
    os.write(2, b"Segmentation fault\\n")
    os.kill(os.getpid(), signal.SIGKILL)

@step("nobody else is there")
def alone(context):
    pathlib.Path("here").mkdir()
    time.sleep(0.2)
    pathlib.Path("here").rmdir()

@step("it takes its time")
def takes(context):
    pathlib.Path(f"taking {context.scenario.name}").touch()
    time.sleep(60)
"""


@pytest.fixture
def tree(tree):
    tree.write("steps/more.py", _STEPS)
    return tree


def _shown(output: str) -> list[str]:
    return [line.split(" s  ")[1] for line in output.splitlines() if " s  " in line]


def test_scenarios_of_one_feature_meet_each_other(tree) -> None:
    tree.feature(
        "  Scenario: x\n    Then it meets the other one\n  Scenario: y\n    Then it meets the other one\n"
    )
    assert tree.behave("--jobs", "2").status == 0
    assert tree.verdicts() == {"x": "passed", "y": "passed"}


def test_what_is_shown_is_in_the_order_of_the_features(tree) -> None:
    tree.feature("  Scenario: a\n    Then it passes\n  Scenario: b\n    Then it passes\n", name="one")
    tree.feature('  Scenario: c\n    Then it fails with "x"\n  Scenario: d\n    Then it passes\n', name="two")
    run = tree.behave("-j3")
    assert _shown(run.output) == ["a", "b", "c", "d"]
    assert run.status == 1
    assert tree.verdicts() == {"a": "passed", "b": "passed", "c": "failed", "d": "passed"}


@pytest.mark.parametrize("formatter", ["plain", "json", "progress3"])
def test_formatters_show_what_they_show_with_one_job(tree, formatter) -> None:
    tree.feature(
        "  Background:\n    Given it passes\n"
        '  Scenario: a\n    Then it fails with "x"\n    And it passes\n'
        "  Scenario: b\n    Then nobody defined this\n"
        '  Scenario: c\n    Then it cannot be verified for "no Docker"\n    And it passes\n'
        "  @slow\n  Scenario: d\n    Then it passes\n"
        "  Scenario Outline: e\n    Then it <does>\n"
        "    Examples:\n      | does |\n      | passes |\n      | is not implemented |\n"
    )
    alone = tree.behave("-f", formatter, "--no-summary")
    beside = tree.behave("-f", formatter, "--no-summary", "--jobs", "2")
    assert _timeless(beside.output) == _timeless(alone.output)
    assert beside.status == alone.status == 1


def test_the_junit_reporter_of_behave_gets_everything(tree) -> None:
    tree.feature('  Scenario: a\n    Then it fails with "x"\n  Scenario: b\n    Then it passes\n')
    tree.behave("--junit", "--junit-directory", "behaves", "--jobs", "2")
    report = (tree.path / "behaves/TESTS-one.xml").read_text(encoding="utf-8")
    assert 'tests="2" errors="0" failures="1"' in report
    assert 'type="AssertionError" message="x"' in report


def test_a_worker_that_dies_breaks_its_scenario_and_is_replaced(tree) -> None:
    tree.feature(
        "  Scenario: a\n    Then it passes\n  Scenario: b\n    Then its worker dies\n"
        "  Scenario: c\n    Then it passes\n  Scenario: d\n    Then it passes\n"
    )
    assert tree.behave("--jobs", "2").status == 1
    assert tree.verdicts() == {"a": "passed", "b": "broken", "c": "passed", "d": "passed"}
    reason = tree.scenario("b").reason
    assert "was ended by SIGKILL" in reason
    assert "Segmentation fault" in reason


def test_a_serial_scenario_runs_alone(tree) -> None:
    tree.feature(
        "".join(
            f"  @serial\n  Scenario: alone {number}\n    Then nobody else is there\n" for number in range(2)
        )
        + "".join(f"  Scenario: {number}\n    Then it passes\n" for number in range(4))
    )
    assert tree.behave("--jobs", "4").status == 0
    assert set(tree.verdicts().values()) == {"passed"}


def test_a_rule_is_run_as_a_whole(tree) -> None:
    tree.feature(
        "  Rule: one\n    Background:\n      Given it passes\n"
        '    Scenario: a\n      Then it passes\n    Scenario: b\n      Then it fails with "x"\n'
        "  Rule: two\n    Scenario Outline: c <n>\n      Then it passes\n"
        "      Examples:\n        | n |\n        | 1 |\n        | 2 |\n"
    )
    assert tree.behave("--jobs", "2").status == 1
    assert list(tree.verdicts().values()) == ["passed", "failed", "passed", "passed"]


@pytest.mark.parametrize(
    ("hook", "argument", "problems"),
    [
        ("before_all", "", 1),
        ("before_feature", ", feature", 0),
        ("before_scenario", ", scenario", 0),
        ("after_scenario", ", scenario", 0),
    ],
)
def test_a_hook_that_fails_in_every_worker_is_said_once(tree, hook, argument, problems) -> None:
    tree.hooks(f"def {hook}(context{argument}): raise OSError('no space left')")
    tree.feature("".join(f"  Scenario: {number}\n    Then it passes\n" for number in range(4)))
    assert tree.behave("--jobs", "3").status == 1
    assert set(tree.verdicts().values()) == {"broken"}
    assert len(tree.result().run.problems) == problems


def test_nothing_of_a_killed_run_lives_on(tree) -> None:
    tree.hooks("import os\ndef before_all(context): open(f'worker {os.getpid()}', 'w').close()\n")
    tree.feature("".join(f"  Scenario: {name}\n    Then it takes its time\n" for name in "ab"))
    with tree.behaving("--jobs", "2") as process:
        while not ((tree.path / "taking a").exists() and (tree.path / "taking b").exists()):
            assert process.poll() is None
        workers = [int(path.name.split()[1]) for path in tree.path.glob("worker *")]
        process.kill()
        process.wait()
    assert len(workers) == 2
    deadline = time.monotonic() + 5
    while any(_lives(pid) for pid in workers):
        assert time.monotonic() < deadline


def test_a_formatter_that_breaks_does_not_leave_workers_at_work(tree) -> None:
    tree.write(
        "formatter.py",
        "from behave.formatter.base import Formatter\n"
        "class Broken(Formatter):\n    def result(self, step): raise OSError('no space left')\n",
    )
    tree.feature("  Scenario: a\n    Then it passes\n  Scenario: b\n    Then it takes its time\n")
    run = tree.behave("--jobs", "2", "-f", "formatter:Broken", environ={"PYTHONPATH": "."})
    assert run.status == 1
    assert "the run broke: OSError: no space left" in tree.result().run.problems[0]
    assert tree.verdicts() == {"a": "passed", "b": "not verified"}


def test_a_worker_gets_no_signal_before_it_is_one(tree) -> None:
    tree.hooks(
        "import os, signal\n"
        "STOP = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}\n"
        "def held(): return STOP & signal.pthread_sigmask(signal.SIG_BLOCK, ())\n"
        "def made():\n    global while_made\n    while_made = held()\n"
        "os.register_at_fork(after_in_child=made)\n"
        "def before_scenario(context, scenario):\n"
        "    assert (while_made, held()) == (STOP, set()), (while_made, held())\n"
    )
    tree.feature("  Scenario: a\n    Then it passes\n  Scenario: b\n    Then it passes\n")
    tree.behave("--jobs", "2")
    assert tree.verdicts() == {"a": "passed", "b": "passed"}


def test_where_the_time_of_all_workers_went_is_said(tree) -> None:
    tree.hooks(
        "def after_scenario(context, scenario):\n"
        "    scenario.facts = ScenarioFacts(spent={'stack': 20.0, 'waiting': 30.0})\n"
    )
    tree.feature(
        "  Scenario: x\n    Then it meets the other one\n  Scenario: y\n    Then it meets the other one\n"
    )
    output = tree.behave("--jobs", "2").output
    assert "side by side 100.0 s = harness 0.0 s + stack 40.0 s + waiting 60.0 s" in output


def test_with_stop_nothing_more_is_begun_after_a_failure(tree) -> None:
    tree.feature(
        '  Scenario: a\n    Then it fails with "x"\n'
        + "".join(f"  Scenario: {number}\n    Then it passes\n" for number in range(20))
    )
    assert tree.behave("--jobs", "2", "--stop").status == 1
    assert tree.verdicts()["a"] == "failed"
    assert tree.verdicts()["19"] == "not verified"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_every_worker_has_begun(tree, number) -> None:
    tree.hooks(_WORKER)
    tree.feature("".join(f"  Scenario: {name}\n    Then it takes its time\n" for name in "abc"))
    with tree.behaving("--jobs", "2") as process:
        while not ((tree.path / "taking a").exists() and (tree.path / "taking b").exists()):
            assert process.poll() is None
        process.send_signal(number)
        output = process.stdout.read()
        assert process.wait() == 128 + number
    assert "end a" in output
    assert "end b" in output
    assert set(tree.verdicts().values()) == {"not verified"}
    assert tree.scenario("a").reason == f"interrupted by {number.name} at: Then it takes its time"
    assert tree.scenario("c").reason == f"not run: interrupted by {number.name}"


def _lives(pid: int) -> bool:
    info = read_process(pid)
    return info is not None and info.alive


def _timeless(output: str) -> str:
    return re.sub(r"\d+\.\d+(e-\d+)?", "T", output)
