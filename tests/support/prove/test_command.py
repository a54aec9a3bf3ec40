"""`acceptance prove` from outside, on a tiny suite that notices some of what it is put before."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

_PYPROJECT = """
[tool.behave]
paths = ["features"]
runner = "support.runner:AcceptanceRunner"
default_format = "support.report.formatter:ConsoleFormatter"
"""

_REGISTER = """
[[requirement]]
id = "DEMO-01"
title = "The agent brings its own database"
statement = "It works."
source = "a plan"
criteria = [
  { id = "DEMO-01.1", text = "It starts." },
  { id = "DEMO-01.2", text = "It starts in any order." },
  { id = "DEMO-01.3", text = "Nobody asked for this." },
]

[[requirement]]
id = "DEMO-05"
title = "The rate limiter"
statement = "It works."
source = "a plan"
criteria = [{ id = "DEMO-05.12", text = "It limits." }]
"""

_FEATURE = """
Feature: one
  @DEMO-01.1
  Scenario: It does not exist
    Then it fails with "no such table: tickets"

  @DEMO-01.1
  Scenario: It does not exist, and is not looked at
    Then it fails with "after the first proof nothing is run"

  @DEMO-01.2
  Scenario: It starts where it does not exist
    Then {last}

  @DEMO-05.12
  Scenario: It limits
    Then it passes
"""

_STEPS = """
import os
from behave import step

@step("it passes")
def passes(context): pass

@step('it fails with "{text}"')
def fails(context, text): raise AssertionError(text)

@step("it waits")
def waits(context):
    open("waiting", "w").close()
    os.read(os.pipe()[0], 1)
"""

_HOOKS = """
from support.report import ScenarioFacts

def after_scenario(context, scenario):
    scenario.facts = ScenarioFacts(substitutes=("sabotage: dependent agent",))
"""


@pytest.fixture
def suite(tmp_path):
    """A directory with a suite of its own, for the sabotage `dependent_agent`."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def make(last):
        write("pyproject.toml", _PYPROJECT)
        write("features/requirements.toml", _REGISTER)
        write("systems/operator/profile.toml", '[operator]\nmonitor = ["{python}"]\nagent = ["{python}"]\n')
        write("features/one.feature", _FEATURE.format(last=last))
        write("steps/steps.py", _STEPS)
        write("environment.py", _HOOKS)
        _home(tmp_path).mkdir(mode=0o700)
        return tmp_path

    yield make
    shutil.rmtree(_home(tmp_path), ignore_errors=True)


def _environment(directory: Path) -> dict[str, str]:
    kept = {
        name: text for name, text in os.environ.items() if not name.startswith(("ACCEPTANCE_", "BEHAVE_"))
    }
    return {**kept, "TMPDIR": str(_home(directory))}


def _home(directory: Path) -> Path:
    """Where the runs keep their private directories; the path is short, for unix sockets."""
    return Path("/tmp") / f"p{os.getpid()}-{directory.name[-6:]}"


@contextmanager
def proving(directory, *words):
    with subprocess.Popen(
        [sys.executable, "-m", "support.cli", "prove", *words],
        cwd=directory,
        env=_environment(directory),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def proved(directory, *words):
    with proving(directory, *words) as process:
        output, _ = process.communicate(timeout=60)
    return process.returncode, output


def test_what_is_caught_makes_a_green_matrix(suite):
    directory = suite(last='it fails with "the agent did not become ready"')
    status, output = proved(directory, "--only", "dependent_agent")
    assert status == 0, output
    assert "✓ caught" in output
    assert "✗" not in output
    proof = json.loads((directory / "reports/proof.json").read_text(encoding="utf-8"))
    outcomes = {each["criterion"]: each["outcome"] for each in proof["sabotages"][0]["tries"]}
    assert outcomes == {"DEMO-01.1": "caught", "DEMO-01.2": "caught", "DEMO-05.12": "left green"}
    unproven = {each["id"]: each["why"] for each in proof["criteria"] if not each["proven"]}
    assert unproven == {
        "DEMO-01.3": "no scenario names it",
        "DEMO-05.12": "no sabotage that was tried breaks it",
    }
    assert "2 of 4 criteria proven" in (directory / "reports/proof.md").read_text(encoding="utf-8")
    assert not [path for path in (directory / "reports/proof").rglob("*") if path.is_file()]


def test_what_must_stay_green_is_held_against_one_scenario(suite):
    directory = suite(last="it passes")
    with (directory / "features/one.feature").open("a", encoding="utf-8") as feature:
        feature.write("""
  @DEMO-05.12
  Scenario: It limits at another time
    Then it fails with "one scenario was enough"
""")
    status, output = proved(directory, "--only", "dependent_agent", "--criterion", "DEMO-05.12")
    assert status == 0, output
    assert "✓ left green" in output


def test_what_is_missed_makes_it_red_and_its_reports_stay(suite):
    directory = suite(last="it passes")
    status, output = proved(directory, "--only", "dependent_agent")
    assert status == 1, output
    assert "✗ missed" in output
    assert "green, though the sabotage was at work" in output
    assert list((directory / "reports/proof").rglob("traceability.json"))
    again, output = proved(directory, "--only", "dependent_agent", "--criterion", "DEMO-01.1")
    assert again == 0, output


def test_what_would_be_tried_is_listed_and_nothing_is_tried(suite):
    directory = suite(last="it passes")
    status, output = proved(directory, "--list", "--criterion", "DEMO-01.1", "--only", "dependent_agent")
    assert status == 0
    assert output == (
        "dependent_agent: The agent does not start where nobody has made its tables before.\n"
        "    breaks DEMO-01.1, DEMO-01.2, leaves DEMO-05.12 green\n"
    )
    assert not (directory / "reports").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "nobody"], "there is no sabotage 'nobody'"),
        (
            ["--only", "dependent_agent", "--criterion", "DEMO-09"],
            "DEMO-09 is not in the requirement register",
        ),
    ],
)
def test_what_cannot_be_tried_is_said_before_anything_is_started(suite, words, said):
    directory = suite(last="it passes")
    status, output = proved(directory, *words)
    assert status == 2
    assert output.startswith("Nothing was tried.\n")
    assert said in output
    assert not (directory / "reports").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_by_a_signal_it_leaves_nothing(suite, number):
    directory = suite(last="it waits")
    words = ("--only", "dependent_agent", "--criterion", "DEMO-01.2")
    with proving(directory, *words) as process:
        until = time.monotonic() + 30
        while not (directory / "waiting").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, output
    assert not (directory / "reports/proof").exists()
    assert not (directory / "reports/proof.json").exists()
    assert list(_home(directory).glob("operator-acceptance-*/*")) == []
