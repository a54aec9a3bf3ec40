"""A sabotage at work in one run: the bad operator it makes, the damaged code, and the sign that it acted.

A sabotage that did nothing proves nothing, whatever the verdict. So each leaves a mark when it acts: its
program touches the file that the environment names, its trigger writes a row, its script is asked, the
damaged line is reached.
"""

import sqlite3
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from support.model import Conversation, Script
from support.model.script import Answer
from support.profile import Profile
from support.sabotage.patches import copy_patched
from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import MARK


class AtWork:
    """`base` is the root of the repository, `directory` a private one of the run, which need not exist."""

    def __init__(self, sabotage: Sabotage, *, base: Path, directory: Path) -> None:
        directory.mkdir()
        self.sabotage = sabotage
        self._base = base
        self._mark = directory / "took-effect"
        self.code = base
        """Where the code is that is to be run: the damaged copy, if there is damage to the code."""
        if sabotage.patches:
            self.code = directory / "code"
            copy_patched(sabotage.patches, base=base, into=self.code, mark=self._mark)

    def profile(self, profile: Profile) -> Profile:
        """The profile with the bad operator in place of the good one."""
        bad = self.sabotage.profile(profile)
        cwd = self.code if profile.cwd == self._base else profile.cwd
        return replace(bad, cwd=cwd, env={**bad.env, MARK: str(self._mark)})

    def script(self) -> Script | None:
        """What the bad model says; None when the model is left alone."""
        bad = self.sabotage.script
        if bad is None:
            return None

        def script(conversation: Conversation) -> Answer | Awaitable[Answer]:
            self._mark.touch()
            return bad(conversation)

        return script

    def begin(self) -> None:
        """Forget what was done so far: another scenario begins."""
        self._mark.unlink(missing_ok=True)

    def took_effect(self, database: Path | None) -> bool:
        """Whether it has acted since `begin`; `database` is that of the operator, if it has one."""
        return self._mark.exists() or (database is not None and _has_row(database))


def _has_row(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(f"SELECT 1 FROM {MARK} LIMIT 1").fetchone() is not None
    except sqlite3.Error:  # there is no such table, or no such database
        return False
