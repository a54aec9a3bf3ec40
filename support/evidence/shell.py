"""What really ran in the agent's shell: a recording shell stands before `bash` and `sh` on its PATH.

Each call is noted, word for word, before the real shell takes its place in the same process; nothing
else changes for the command. Shells that a command itself starts are told from those of the agent by their
ancestors; one that has lost them, because a command left it running, by SHLVL, which every shell raises.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SHELLS = ("bash", "sh")

_RECORDER = """\
#!{sh}
ancestors() {{
  while [ "$1" -gt 1 ] && IFS= read -r stat < "/proc/$1/stat"; do
    printf '%s ' "$1"
    stat=${{stat##*) ? }}
    set -- "${{stat%% *}}"
  done
}}
{{ ancestors $PPID; printf '\\0'; printf '%s\\0' "${{SHLVL:-0}}" $# "$@"; }} 2>/dev/null >> {notes}/$$
{raise_level}exec {real} "$@"
"""
_RAISE_LEVEL = "SHLVL=$((${SHLVL:-0} + 1)) && export SHLVL\n"
"""For a real shell that leaves SHLVL as it is, such as dash."""


@dataclass(frozen=True)
class _Call:
    at: int
    ids: frozenset[int]
    """Those of its ancestors, and its own if a shell was called in the same process before."""
    process: int
    level: int
    words: tuple[str, ...]


class ShellWitness:
    """Records in the directory `notes`, which it makes, what the shells on a PATH were called for.

    `path` is where the real shells are looked for.
    """

    def __init__(self, notes: Path, *, path: Sequence[str]) -> None:
        self._notes = notes
        self._path = os.pathsep.join(path)
        self._begun = 0
        notes.mkdir()

    def install(self, directory: Path) -> None:
        """Put a recording shell into `directory` for every shell that the machine has."""
        plain = shutil.which("dash", path=self._path) or "/bin/sh"
        for name in _SHELLS:
            real = shutil.which(name, path=self._path)
            if real is None:
                continue
            raises_itself = Path(real).resolve().name == "bash"
            recorder = directory / name
            recorder.write_text(
                _RECORDER.format(
                    sh=plain,
                    notes=self._notes,
                    real=real,
                    raise_level="" if raises_itself else _RAISE_LEVEL,
                ),
                encoding="utf-8",
            )
            recorder.chmod(0o755)

    def begin(self) -> None:
        """Leave out what has run so far: a start script is no command of the agent."""
        self._begun = len(self._calls())

    def commands(self) -> tuple[str, ...]:
        """The commands that the agent has run, in order."""
        calls = self._calls()[self._begun :]
        shells = {call.process for call in calls}
        outermost = min((call.level for call in calls), default=0)
        return tuple(
            _command(call.words) for call in calls if call.level == outermost and not call.ids & shells
        )

    def everything(self) -> str:
        """All that any shell was called for, for a search."""
        return "\n".join(" ".join(call.words) for call in self._calls())

    def _calls(self) -> list[_Call]:
        calls = []
        for note in self._notes.iterdir():
            fields = note.read_bytes().decode(errors="replace").split("\0")
            own: list[int] = []
            while len(fields) > 3:
                ancestors, level, count = fields[0].split(), int(fields[1]), int(fields[2])
                calls.append(
                    _Call(
                        at=note.stat().st_mtime_ns,
                        ids=frozenset([*map(int, ancestors), *own]),
                        process=int(note.name),
                        level=level,
                        words=tuple(fields[3 : 3 + count]),
                    )
                )
                fields, own = fields[3 + count :], [int(note.name)]
        # The clock of files ticks every few milliseconds: within a tick, the lower process id came first.
        return sorted(calls, key=lambda call: (call.at, call.process))


def _command(words: Sequence[str]) -> str:
    """The command of `-c COMMAND` or `-lc COMMAND`; of another call, all its words."""
    for at, word in enumerate(words[:-1]):
        if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
            return words[at + 1]
        if not word.startswith("-"):
            break
    return " ".join(words)
