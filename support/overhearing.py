"""Puts an eavesdropper before monitor and agent of an operator, by a profile that somebody else uses."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from support.evidence import eavesdropper
from support.profile import Profile

__all__ = ["overheard"]


def overheard(profile: Profile, directory: Path, *, agent: Sequence[str] | None) -> Profile:
    """The profile with an eavesdropper before monitor and agent, as a file of its own."""

    def behind(name: str, words: Sequence[str]) -> list[str]:
        return [sys.executable, "-IS", eavesdropper.__file__, str(directory / name), *words]

    agent = profile.agent if agent is None else agent
    changed = replace(
        profile,
        path=directory / "profile.toml",
        monitor=behind("monitor", profile.monitor),
        agent=None if agent is None else behind("agent", agent),
    )
    lines = ["[operator]", f"name = {_toml(profile.name)}", f"cwd = {_toml(str(profile.cwd))}"]
    commands = {"monitor": changed.monitor, "agent": changed.agent}
    lines += [f"{name} = {_toml(list(words))}" for name, words in commands.items() if words is not None]
    tables = {
        "env": dict(profile.env),
        "output": {each.name: getattr(profile.output, each.name) for each in fields(profile.output)},
        "timing": asdict(profile.timing),
    }
    for title, table in tables.items():
        lines.append(f"[operator.{title}]")
        lines += [f"{name} = {_toml(value)}" for name, value in table.items()]
    changed.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return changed


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
