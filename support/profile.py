"""The profile of an operator under test: how it is started, what it prints, how fast it must be.

A profile is a TOML file in the shape of the operator contract. Whatever is wrong with one is a
ProfileError that names the file and the key, before anything is started.
"""

import os
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

_PLACEHOLDERS = frozenset({"python", "subject", "interval", "db", "profile"})
_COMMANDS = ("monitor", "agent", "demo")
_GROUPS = {"violations_seen": 1, "ticket_opened": 2, "auto_resolved": 1, "ticket_taken": 1, "outcome": 2}
"""How many groups a pattern must capture: numbers, keys and outcomes are read from them."""

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where the commands of an operator are looked for."""
_LIMITS = frozenset(
    {
        "answer_seconds",
        "answer_retries",
        "command_seconds",
        "ticket_replies",
        "ticket_seconds",
        "ticket_tokens",
    }
)


class ProfileError(Exception):
    """A profile cannot be used; the message names the file, the key and what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class OutputPatterns:
    """What the operator's lines match, as regular expressions that are searched for in each line."""

    monitor_ready: str = r"Monitor loop starting"
    healthy_check: str = r"Check complete: all passing"
    violations_seen: str = r"Check complete: (\d+) violation\(s\) detected"
    ticket_opened: str = r"Created ticket (\d+): (\S+)"
    cannot_see: str = r"Check (cycle )?failed"
    auto_resolved: str = r"Auto-resolved (\d+) ticket"
    agent_ready: str = r"Agent loop starting"
    ticket_taken: str = r"Processing ticket #(\d+)"
    reasoning: str = r"\[Claude\] "
    tool_call: str = r"\[Tool Call\] "
    tool_result: str = r"\[Tool Result\] "
    outcome: str = r"Ticket #(\d+) -> (resolved|escalated)"
    error: str = r"\b(?:Traceback|\w*Error|ERROR|CRITICAL|FATAL)\b|database is locked|no such table"

    @property
    def check(self) -> str:
        """A check of any outcome."""
        return f"(?:{self.healthy_check})|(?:{self.violations_seen})|(?:{self.cannot_see})"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What is asked of the operator, in seconds; `poll` is how often its agent looks for tickets."""

    interval: float = 0.5
    detect_within: float = 5.0
    ready_within: float = 20.0
    poll: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One operator under test; `cwd` is absolute."""

    path: Path
    name: str
    monitor: Sequence[str]
    agent: Sequence[str] | None
    demo: Sequence[str] | None
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    shortened: Mapping[str, str] = field(default_factory=dict)
    """Added to `env` where the operator's real thresholds take too long."""
    output: OutputPatterns = field(default_factory=OutputPatterns)
    timing: Timing = field(default_factory=Timing)
    limits: Mapping[str, str] = field(default_factory=dict)
    """By which environment variable the agent is told which of its limits, where it can be told."""

    def fill(
        self, words: Sequence[str], *, subject: str, db: Path, python: str = sys.executable
    ) -> list[str]:
        """Put the values of a run in place of the placeholders of a command."""
        values = {
            "python": python,
            "subject": subject,
            "interval": f"{self.timing.interval:g}",
            "db": str(db),
            "profile": str(self.path),
        }
        return [_placeholder.sub(lambda m: values[m.group(1)], word) for word in words]


_placeholder = re.compile(r"\{(\w*)\}")


def load_profile(path: Path) -> Profile:
    """Read and check a profile. Raises ProfileError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"profile {path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"profile {path}: is not TOML: {error}") from error
    _known(path, "the top level", document, {"operator"})
    table = _table(path, document, "operator")
    known = {"name", "cwd", "env", "shortened", "output", "timing", "limits", *_COMMANDS}
    _known(path, "[operator]", table, known)
    commands = {name: _command(path, table, name) for name in _COMMANDS}
    if commands["monitor"] is None:
        raise ProfileError(f"profile {path}: operator.monitor: is missing; it is the monitor's command")
    return Profile(
        path=path,
        name=_text(path, table, "name", default=path.stem),
        monitor=commands["monitor"],
        agent=commands["agent"],
        demo=commands["demo"],
        cwd=_directory(path, _text(path, table, "cwd", default=".")),
        env=_environment(path, table, "env"),
        shortened=_environment(path, table, "shortened"),
        output=OutputPatterns(**_patterns(path, _table(path, table, "output"))),
        timing=Timing(**_seconds(path, _table(path, table, "timing"))),
        limits=_limits(path, _table(path, table, "limits")),
    )


def check_commands(profile: Profile) -> None:
    """Raise ProfileError when the program of a command is not there or cannot be executed."""
    path = profile.env.get("PATH", os.pathsep.join(SYSTEM_PATH))
    for key in _COMMANDS:
        words: Sequence[str] | None = getattr(profile, key)
        if words is None:
            continue
        (program,) = profile.fill(words[:1], subject="", db=Path())
        if "/" not in program:
            if shutil.which(program, path=path) is None:
                raise ProfileError(
                    f"profile {profile.path}: operator.{key}: there is no {program!r} on the PATH {path}"
                )
            continue
        file = profile.cwd / program
        if not file.is_file():
            raise ProfileError(f"profile {profile.path}: operator.{key}: there is no file {file}")
        if not os.access(file, os.X_OK):
            raise ProfileError(
                f"profile {profile.path}: operator.{key}: {file} is not executable; try: chmod +x {file}"
            )


def _known(path: Path, where: str, table: Mapping[str, object], known: set[str]) -> None:
    for key in table:
        if key not in known:
            raise ProfileError(
                f"profile {path}: {where} has an unknown key {key!r}; known are {', '.join(sorted(known))}"
            )


def _table(path: Path, parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise ProfileError(f"profile {path}: {key}: must be a table")
    return value


def _text(path: Path, table: Mapping[str, Any], key: str, *, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or not value:
        raise ProfileError(f"profile {path}: operator.{key}: must be a text that is not empty")
    return value


def _command(path: Path, table: Mapping[str, Any], key: str) -> Sequence[str] | None:
    if key not in table:
        return None
    words = table[key]
    if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
        raise ProfileError(f"profile {path}: operator.{key}: must be a list of words, the command first")
    for word in words:
        for name in _placeholder.findall(word):
            if name not in _PLACEHOLDERS:
                raise ProfileError(
                    f"profile {path}: operator.{key}: unknown placeholder {{{name}}}; known are "
                    + ", ".join(f"{{{each}}}" for each in sorted(_PLACEHOLDERS))
                )
    return tuple(words)


def _directory(path: Path, written: str) -> Path:
    directory = (path.parent / written).resolve()
    if not directory.is_dir():
        raise ProfileError(f"profile {path}: operator.cwd: {directory} is not a directory")
    return directory


def _environment(path: Path, parent: Mapping[str, Any], key: str) -> Mapping[str, str]:
    table = _table(path, parent, key)
    for name, value in table.items():
        if not isinstance(value, str):
            raise ProfileError(f"profile {path}: operator.{key}.{name}: must be a text")
    return dict(table)


def _limits(path: Path, table: Mapping[str, Any]) -> Mapping[str, str]:
    _known(path, "[operator.limits]", table, set(_LIMITS))
    for name, value in table.items():
        if not isinstance(value, str) or not value:
            raise ProfileError(f"profile {path}: operator.limits.{name}: must name an environment variable")
    return dict(table)


def _patterns(path: Path, table: Mapping[str, Any]) -> dict[str, str]:
    _known(path, "[operator.output]", table, {each.name for each in fields(OutputPatterns)})
    for key, value in table.items():
        try:
            groups = re.compile(value).groups
        except (re.error, TypeError) as error:
            raise ProfileError(
                f"profile {path}: operator.output.{key}: not a regular expression: {error}"
            ) from error
        if groups < _GROUPS.get(key, 0):
            raise ProfileError(
                f"profile {path}: operator.output.{key}: has {groups} of the {_GROUPS[key]} groups in "
                f"parentheses that it needs, as in: {getattr(OutputPatterns, key)}"
            )
    return dict(table)


def _seconds(path: Path, table: Mapping[str, Any]) -> dict[str, float]:
    _known(path, "[operator.timing]", table, {each.name for each in fields(Timing)})
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ProfileError(f"profile {path}: operator.timing.{key}: must be seconds above 0")
    return {key: float(value) for key, value in table.items()}
