"""The monitor process: looks at a subject at every interval, and files what it finds as tickets."""

import asyncio
import math
import signal
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from systems.operator import clock
from systems.operator.database import open_database
from systems.operator.invariants import Finding
from systems.operator.output import complain, leave, say
from systems.operator.subjects import SUBJECTS, CannotObserveError, Thresholds, Watch
from systems.operator.tickets import MOST_ATTEMPTS, CheckRecord, record_check


@dataclass(frozen=True)
class MonitorSettings:
    """How a monitor process is to work."""

    subject: str
    interval: float  # seconds from the beginning of one check to that of the next
    database: Path
    thresholds: Thresholds


def run_monitor(settings: MonitorSettings, environment: Mapping[str, str]) -> int:
    """Check until told to stop; the exit status if that comes sooner.

    Raises `UnusableDatabaseError`.
    """
    database = open_database(settings.database)
    try:
        asyncio.run(_loop(settings, environment, database))
    except sqlite3.DatabaseError as error:
        complain(f"{settings.database}: {error}; the monitor ends")
        return 1
    finally:
        database.close()


async def _loop(
    settings: MonitorSettings, environment: Mapping[str, str], database: sqlite3.Connection
) -> NoReturn:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, number, database)
    subject = SUBJECTS[settings.subject]
    say(f"Monitor loop starting: {settings.subject}, a check every {settings.interval:g} s")
    for invariant, why in subject.not_observed(environment).items():
        say(f"{invariant} is not observed: {why}")
    async with subject.watch(environment, settings.thresholds) as watch:
        due = loop.time()
        while True:
            await asyncio.sleep(due - loop.time())
            await _check(watch, database, subject.context)
            due = next_due(due, settings.interval, now=loop.time())


def _stop(number: int, database: sqlite3.Connection) -> NoReturn:
    """Leave at once. The event loop calls this between two steps, so no change is half made."""
    database.close()
    say(f"Monitor loop stopped by {signal.Signals(number).name}")
    leave(0)


def next_due(due: float, interval: float, *, now: float) -> float:
    """When the next check is due after the one that was due at `due` ended at `now`.

    Always a whole number of intervals on; what a slow check has missed is left out.
    """
    return due + interval * max(1, math.ceil((now - due) / interval))


async def _check(watch: Watch, database: sqlite3.Connection, subject_context: str) -> None:
    began = clock.now()
    try:
        findings = await watch.check()
    except CannotObserveError as error:
        say(f"Check failed: {error}")
        return
    except Exception as error:
        # A check that fell over knows nothing, and must not end the monitor.
        say(f"Check failed: the monitor itself failed: {type(error).__name__}: {error}")
        return
    try:
        record = record_check(database, findings, began=began, subject_context=subject_context)
    except sqlite3.OperationalError as error:
        # Mostly a lock that somebody holds for long. The next check will see it all again.
        say(f"Check failed: its findings could not be recorded: {error}")
        return
    for line in report(findings, record):
        say(line)


def report(findings: Sequence[Finding], record: CheckRecord) -> list[str]:
    """The lines to print on a check."""
    lines = [f"Created ticket {ticket.ticket_id}: {ticket.key}" for ticket in record.created]
    lines += [
        f"Offered ticket {ticket.ticket_id} again: {ticket.key} (at most {MOST_ATTEMPTS} attempts)"
        for ticket in record.offered
    ]
    if record.resolved:
        noun = "ticket" if len(record.resolved) == 1 else "tickets"
        named = ", ".join(f"{ticket.ticket_id} ({ticket.key})" for ticket in record.resolved)
        lines.append(f"Auto-resolved {len(record.resolved)} {noun}: {named}")
    violations = [violation for finding in findings for violation in finding.violations]
    if violations:
        keys = ", ".join(violation.key for violation in violations)
        lines.append(f"Check complete: {len(violations)} violation(s) detected: {keys}")
    doubts = _doubts(findings)
    if doubts:
        # One line tells the outcome of a check; what was left open beside it is another.
        lines.append(f"{'Left open' if violations else 'Check incomplete'}: {doubts}")
    elif not violations:
        lines.append("Check complete: all passing")
    return lines


def _doubts(findings: Sequence[Finding]) -> str:
    """What the check leaves open, in words; nothing if it leaves nothing open."""
    unobserved = {f.invariant: f.unobserved for f in findings if f.unobserved is not None}
    return "; ".join(
        [
            *(f"{names} not observed ({why})" for why, names in _by_reason(unobserved)),
            *(
                f"{finding.invariant} undecided for {names} ({why})"
                for finding in findings
                for why, names in _by_reason(finding.undecided)
            ),
        ]
    )


def _by_reason(reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each reason once, with all the names it is the reason for."""
    names: dict[str, list[str]] = {}
    for name, why in reasons.items():
        names.setdefault(why, []).append(name)
    return [(why, ", ".join(those)) for why, those in names.items()]
