"""What earlier runs said: `history.sqlite` beside the reports, of the latest runs alone.

It answers three questions about a criterion: how it came out before, whether it comes out differently
although nothing changed, and whether its text is still the one that was verified.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from support.report.model import Changed, CriterionResult, Past, RunInfo, RunResult

__all__ = ["KEPT", "remember"]

KEPT = 50
"""So many runs are kept."""
_SHOWN = 10
_FILE = "history.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL, code TEXT, "on" TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS verdicts (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    criterion TEXT NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (criterion, run)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verified (
    criterion TEXT PRIMARY KEY, text TEXT NOT NULL, started TEXT NOT NULL
) WITHOUT ROWID;
"""


def remember(result: RunResult, reports: Path) -> RunResult:
    """The result with what earlier runs said of its criteria; and note it for later ones.

    A criterion is noted only when something was shown of it. A history that cannot be read is begun
    anew: it is no reason to lose the result of this run. Raises OSError when it cannot be removed.
    """
    path = reports / _FILE
    reports.mkdir(parents=True, exist_ok=True)
    try:
        return _remember(result, path)
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)
        try:
            return _remember(result, path)
        except sqlite3.DatabaseError:  # the disk is full, or somebody else holds it
            return result


def _remember(result: RunResult, path: Path) -> RunResult:
    with closing(sqlite3.connect(path, timeout=2)) as history, history:
        history.execute("PRAGMA foreign_keys = ON")
        history.executescript(_TABLES)
        known = {criterion.id: _with_history(criterion, result.run, history) for criterion in result.criteria}
        _note(result, history)
    requirements = (
        replace(requirement, criteria=tuple(known[criterion.id] for criterion in requirement.criteria))
        for requirement in result.requirements
    )
    return replace(result, requirements=tuple(requirements))


def _with_history(criterion: CriterionResult, run: RunInfo, history: sqlite3.Connection) -> CriterionResult:
    past = history.execute(
        'SELECT started, status, "on", code FROM verdicts JOIN runs ON runs.id = run'
        " WHERE criterion = ? ORDER BY run DESC LIMIT ?",
        (criterion.id, _SHOWN),
    ).fetchall()
    alike = {status for _, status, on, code in past if run.code and (on, code) == (_on(run), run.code)}
    verified = history.execute(
        "SELECT text, started FROM verified WHERE criterion = ?", (criterion.id,)
    ).fetchone()
    return replace(
        criterion,
        past=tuple(Past(started=started, status=status, on=on) for started, status, on, _ in past),
        flaky=_both_ways({*alike, criterion.status}),
        changed=Changed(text=verified[0], verified=verified[1])
        if verified and verified[0] != criterion.text
        else None,
    )


def _both_ways(statuses: Iterable[str]) -> bool:
    found = set(statuses)
    return "passed" in found and bool(found & {"failed", "broken"})


def _note(result: RunResult, history: sqlite3.Connection) -> None:
    shown = [c for c in result.criteria if c.status in ("passed", "failed", "broken")]
    if not shown:
        return
    run = result.run
    number = history.execute(
        'INSERT INTO runs (started, code, "on") VALUES (?, ?, ?)', (run.started, run.code, _on(run))
    ).lastrowid
    history.executemany(
        "INSERT INTO verdicts (run, criterion, status) VALUES (?, ?, ?)",
        [(number, criterion.id, criterion.status) for criterion in shown],
    )
    history.executemany(
        "INSERT OR REPLACE INTO verified (criterion, text, started) VALUES (?, ?, ?)",
        [(c.id, c.text, run.started) for c in shown if c.status == "passed"],
    )
    history.execute(
        "DELETE FROM runs WHERE id NOT IN (SELECT id FROM runs ORDER BY id DESC LIMIT ?)", (KEPT,)
    )


def _on(run: RunInfo) -> str:
    """On what a run was made, so that only like is compared with like."""
    return f"{run.stack}, model {run.model}, operator {run.operator}"
