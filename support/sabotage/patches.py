"""Sabotage from inside: text replaced in a copy of the code.

A text that is to be replaced must be in its file exactly once. `TOOK_EFFECT` in the new text stands for an
expression that leaves the mark of the sabotage and is None.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TOOK_EFFECT = "TOOK_EFFECT"

_COPIED = ("systems", "support", "demo", "steps", "features", "environment.py", "pyproject.toml")


@dataclass(frozen=True, kw_only=True)
class Patch:
    """`old` in `file`, a path from the root of the repository, becomes `new`."""

    file: str
    old: str
    new: str


def misfits(patches: Sequence[Patch], base: Path) -> Iterator[str]:
    """What keeps these patches from being applied to the code in `base`, in words; nothing if they fit."""
    for patch in patches:
        path = base / patch.file
        count = path.read_text(encoding="utf-8").count(patch.old) if path.is_file() else None
        if count is None:
            yield f"{patch.file}: there is no such file"
        elif count != 1:
            yield f"{patch.file}: the text to replace is there {count} times instead of once: {patch.old!r}"


def copy_patched(patches: Sequence[Patch], *, base: Path, into: Path, mark: Path) -> None:
    """Copy the code in `base` to the new directory `into`, patched. The patches must fit."""
    into.mkdir()
    for name in _COPIED:
        source = base / name
        if source.is_dir():
            shutil.copytree(source, into / name)
        elif source.exists():
            shutil.copy2(source, into / name)
    leave_mark = f"open({str(mark)!r}, 'a').close()"
    for patch in patches:
        path = into / patch.file
        text = path.read_text(encoding="utf-8")
        new = patch.new.replace(TOOK_EFFECT, leave_mark)
        path.write_text(text.replace(patch.old, new), encoding="utf-8")
