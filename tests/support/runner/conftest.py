"""A tiny tree of features, with steps for every way a sentence can end, that real behave runs on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from support.report.model import RunResult, ScenarioResult
from support.report.traceability import from_json

_PYPROJECT = """
[tool.behave]
paths = ["features"]
runner = "support.runner:AcceptanceRunner"
default_format = "support.report.formatter:ConsoleFormatter"
"""

_REGISTER = """
[[requirement]]
id = "DEMO-01"
title = "The first"
statement = "It works."
source = "a plan"
criteria = [
  { id = "DEMO-01.1", text = "It starts." },
  { id = "DEMO-01.2", text = "It ends." },
  { id = "DEMO-01.10", text = "It lasts." },
]

[[requirement]]
id = "DEMO-02"
title = "The second"
statement = "It works as well."
source = "a plan"
criteria = [{ id = "DEMO-02.1", text = "It starts, too." }]
"""

_STEPS = """
import os, sys
from behave import step
from support.verdict import BrokenBed, NotVerified

def say(word):
    os.write(1, f"{word}\\n".encode())  # past behave's capture

@step("it passes")
def passes(context): pass

@step('it passes, saying "{word}"')
def speaks(context, word): say(word)

@step('it fails with "{text}"')
def fails(context, text): raise AssertionError(text)

@step('the bed breaks with "{text}"')
def breaks(context, text): raise BrokenBed(text)

@step("the code is wrong")
def wrong(context): {}["missing"]

@step('it cannot be verified for "{reason}"')
def cannot(context, reason): raise NotVerified(reason)

@step("the process exits")
def exits(context): sys.exit(3)

@step("it waits")
def waits(context):
    say("waiting")
    os.read(0, 1)

@step("it is not implemented")
def pending(context): raise NotImplementedError
"""


@dataclass(frozen=True)
class Run:
    """What a run of behave left: its exit status and what it printed."""

    status: int
    output: str


@dataclass(frozen=True)
class Tree:
    """A directory that behave runs in."""

    path: Path

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def feature(self, text: str, *, name: str = "one") -> None:
        """Write a feature; `text` is what comes below its title, which is its name."""
        self.write(f"features/{name}.feature", f"Feature: {name}\n{text}")

    def hooks(self, text: str) -> None:
        self.write("environment.py", "from support.report import ScenarioFacts\n" + text)

    def behave(
        self,
        *options: str,
        command: tuple[str, ...] = ("-m", "behave"),
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> Run:
        done = subprocess.run(
            [sys.executable, *command, *options],
            cwd=self.path,
            env=_environ() | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout)

    @contextmanager
    def behaving(
        self, *options: str, command: tuple[str, ...] = ("-m", "behave")
    ) -> Iterator["subprocess.Popen[str]"]:
        """A run that goes on while the block does."""
        with subprocess.Popen(
            [sys.executable, *command, *options],
            cwd=self.path,
            env=_environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_heed_sigint,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def result(self, reports: str = "reports") -> RunResult:
        return from_json((self.path / reports / "traceability.json").read_bytes())

    def scenario(self, name: str) -> ScenarioResult:
        return next(s for s in self.result().scenarios if s.name == name)

    def verdicts(self) -> dict[str, str]:
        return {s.name: s.status for s in self.result().scenarios}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    tree.write("pyproject.toml", _PYPROJECT)
    tree.write("features/requirements.toml", _REGISTER)
    tree.write("systems/operator/profile.toml", '[operator]\nmonitor = ["{python}"]\n')
    tree.write("steps/steps.py", _STEPS)
    return tree


def _heed_sigint() -> None:
    """A shell starts background jobs with SIGINT ignored, and the runner would leave it so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _environ() -> dict[str, str]:
    """The environment without settings of the suite or of behave, so that none leaks into a test."""
    return {
        name: text for name, text in os.environ.items() if not name.startswith(("ACCEPTANCE_", "BEHAVE_"))
    }
