"""What becomes of tickets after a check: filed, seen again, resolved, offered again.

The rules of the operator contract, each check one transaction.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from systems.operator import audit, clock
from systems.operator.database import transaction
from systems.operator.invariants import Finding, Violation

# An escalated ticket whose violation persists is open again after so many checks; the pause
# doubles with every attempt, and after the last attempt it is left to people.
OFFER_AFTER_CHECKS = 10
MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class Filed:
    """A ticket by its number and violation key."""

    ticket_id: int
    key: str


@dataclass(frozen=True)
class CheckRecord:
    """What one check changed in the tickets."""

    created: tuple[Filed, ...] = ()
    offered: tuple[Filed, ...] = ()
    resolved: tuple[Filed, ...] = ()


def record_check(
    database: sqlite3.Connection,
    findings: Sequence[Finding],
    *,
    began: datetime,
    subject_context: str,
) -> CheckRecord:
    """Bring the tickets up to what a check that began at `began` has found out."""
    violations = [violation for finding in findings for violation in finding.violations]
    if not violations and not _unresolved(database):
        return CheckRecord()
    with transaction(database):
        created: list[Filed] = []
        offered: list[Filed] = []
        for violation in violations:
            known = _sighted(database, violation)
            if known is None:
                filed = _file(database, violation, began=began, subject_context=subject_context)
                if filed is not None:
                    created.append(filed)
            elif _offer_again(database, known):
                offered.append(Filed(known, violation.key))
        resolved = _resolve_cleared(database, findings, began=began)
    return CheckRecord(tuple(created), tuple(offered), tuple(resolved))


def checks_before_offer(attempts: int) -> int | None:
    """How many violated checks after its `attempts`-th escalation a ticket is offered again.

    None when it is not: it has had all its attempts. A ticket nobody has attempted, escalated by
    other hands than an agent's, waits as if it had been attempted once.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    return int(OFFER_AFTER_CHECKS * 2 ** max(0, attempts - 1))


def _unresolved(database: sqlite3.Connection) -> list[sqlite3.Row]:
    return database.execute(
        "SELECT id, violation_key, invariant_name, store_id, status, held, last_seen_at"
        " FROM tickets WHERE status != 'resolved' ORDER BY id"
    ).fetchall()


def _sighted(database: sqlite3.Connection, violation: Violation) -> int | None:
    """Note that a violation was seen again on its ticket; the ticket, if there is one."""
    row = database.execute(
        "SELECT id FROM tickets WHERE violation_key = ? AND status != 'resolved' ORDER BY id LIMIT 1",
        (violation.key,),
    ).fetchone()
    if row is None:
        return None
    at = clock.written(clock.now())
    database.execute(
        "UPDATE tickets SET occurrence_count = occurrence_count + 1, last_seen_at = ?,"
        " updated_at = ? WHERE id = ?",
        (at, at, row["id"]),
    )
    return int(row["id"])


def _file(
    database: sqlite3.Connection, violation: Violation, *, began: datetime, subject_context: str
) -> Filed | None:
    (last,) = database.execute(
        "SELECT max(resolved_at) FROM tickets WHERE violation_key = ?", (violation.key,)
    ).fetchone()
    resolved = clock.read(last)
    # What this check saw may have been repaired since it looked; the next check will tell.
    if resolved is not None and resolved >= began:
        return None
    at = clock.written(clock.now())
    cursor = database.execute(
        "INSERT INTO tickets (violation_key, invariant_name, store_id, status, first_seen_at,"
        " last_seen_at, message, severity, metric_snapshot, subject_context, created_at,"
        " updated_at) VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            violation.key,
            violation.invariant,
            violation.identifier,
            at,
            at,
            violation.message,
            violation.severity,
            json.dumps(violation.snapshot, ensure_ascii=False),
            subject_context,
            at,
            at,
        ),
    )
    if cursor.lastrowid is None:
        raise AssertionError("SQLite gave the new ticket no number")
    return Filed(cursor.lastrowid, violation.key)


def _offer_again(database: sqlite3.Connection, ticket_id: int) -> bool:
    """Count a check against an escalated ticket whose violation persists; whether it is open now."""
    (status,) = database.execute("SELECT status FROM tickets WHERE id = ?", (ticket_id,)).fetchone()
    if status != "diagnosed":
        return False
    attempts = audit.attempts(database, ticket_id)
    row = database.execute(
        "SELECT attempts, violated_checks FROM ticket_offers WHERE ticket_id = ?", (ticket_id,)
    ).fetchone()
    checks = 1 + (row["violated_checks"] if row and row["attempts"] == attempts else 0)
    due = checks_before_offer(attempts)
    offered = due is not None and checks >= due
    database.execute(
        "INSERT INTO ticket_offers (ticket_id, attempts, violated_checks) VALUES (?, ?, ?)"
        " ON CONFLICT (ticket_id) DO UPDATE SET attempts = excluded.attempts,"
        " violated_checks = excluded.violated_checks",
        (ticket_id, attempts, 0 if offered else checks),
    )
    if offered:
        database.execute(
            "UPDATE tickets SET status = 'open', updated_at = ? WHERE id = ?",
            (clock.written(clock.now()), ticket_id),
        )
    return offered


def _resolve_cleared(
    database: sqlite3.Connection, findings: Sequence[Finding], *, began: datetime
) -> list[Filed]:
    by_invariant = {finding.invariant: finding for finding in findings}
    resolved: list[Filed] = []
    for row in _unresolved(database):
        finding = by_invariant.get(row["invariant_name"])
        if finding is None or row["held"] or not finding.clears(row["store_id"]):
            continue
        seen = clock.read(row["last_seen_at"])
        # A violation seen since this check looked is not shown to be cleared by it.
        if seen is not None and seen >= began:
            continue
        at = clock.written(clock.now())
        database.execute(
            "UPDATE tickets SET status = 'resolved', resolved_at = ?, updated_at = ? WHERE id = ?",
            (at, at, row["id"]),
        )
        resolved.append(Filed(row["id"], row["violation_key"]))
    return resolved
