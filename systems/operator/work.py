"""How an agent takes a ticket and lets it go again, so that none is lost and none worked twice.

Taking is one transaction: the ticket is acknowledged and held, its holder is noted and its session
opened, or nothing of it happened. A ticket whose holder has died is taken like an open one.
"""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from systems.operator import audit, clock
from systems.operator.database import transaction
from systems.operator.holding import Roll

ESCALATED = "ESCALATED: "


@dataclass(frozen=True)
class Taken:
    """A ticket this agent holds, and the session it works it in."""

    ticket_id: int
    session_id: str
    key: str
    message: str
    severity: str
    occurrence_count: int
    first_seen_at: str
    metric_snapshot: str | None
    subject_context: str | None
    earlier: tuple[str, ...]  # what came of earlier sessions on it, the oldest first


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: the ticket's end, and the session's."""

    ticket: Literal["resolved", "escalated"]
    session: audit.SessionStatus
    summary: str


@dataclass(frozen=True)
class Agent:
    """This process among the agents of one database."""

    database: sqlite3.Connection
    roll: Roll
    agent_id: int

    def others_holding(self) -> frozenset[int]:
        """The numbers of the other agents that are on record as holding a ticket, dead or alive."""
        return frozenset(
            int(number)
            for (number,) in self.database.execute(
                "SELECT DISTINCT agent_id FROM ticket_holders WHERE agent_id != ?",
                (self.agent_id,),
            )
        )

    def take_next(self, *, model: str) -> Taken | None:
        """Take the oldest ticket that is open or whose holder is dead; None if there is none."""
        if not self._waiting():
            return None
        with transaction(self.database):
            waiting = self._waiting()
            if not waiting:
                return None
            return self._take(waiting[0], model=model)

    def let_go(self, taken: Taken, outcome: Outcome) -> None:
        """Record what came of an attempt, and hold the ticket no longer."""
        at = clock.written(clock.now())
        resolved = outcome.ticket == "resolved"
        with transaction(self.database):
            # Somebody may have settled the ticket by hand meanwhile: then it stays as they left it.
            self.database.execute(
                "UPDATE tickets SET status = ?, resolved_at = ?, diagnosis = ?, updated_at = ?"
                " WHERE id = ? AND status = 'acknowledged'",
                (
                    "resolved" if resolved else "diagnosed",
                    at if resolved else None,
                    outcome.summary if resolved else ESCALATED + outcome.summary,
                    at,
                    taken.ticket_id,
                ),
            )
            self.database.execute("UPDATE tickets SET held = 0 WHERE id = ?", (taken.ticket_id,))
            self.database.execute("DELETE FROM ticket_holders WHERE ticket_id = ?", (taken.ticket_id,))
            audit.close_session(self.database, taken.session_id, outcome.session, outcome.summary)

    def _waiting(self) -> list[sqlite3.Row]:
        rows = self.database.execute(
            "SELECT t.*, h.agent_id AS holder FROM tickets t"
            " LEFT JOIN ticket_holders h ON h.ticket_id = t.id"
            " WHERE t.status = 'open' OR t.status = 'acknowledged'"
            " ORDER BY coalesce(julianday(t.first_seen_at), 0), t.id"
        ).fetchall()
        return [row for row in rows if not self._held_by_living(row)]

    def _held_by_living(self, row: sqlite3.Row) -> bool:
        holder = row["holder"]
        return holder is not None and (holder == self.agent_id or self.roll.is_alive(holder))

    def _take(self, row: sqlite3.Row, *, model: str) -> Taken:
        ticket_id = int(row["id"])
        audit.close_abandoned(self.database, ticket_id)
        moment = clock.now()  # after the end of the one before
        earlier = audit.earlier_summaries(self.database, ticket_id)
        session_id = audit.open_session(self.database, ticket_id, moment)
        self.database.execute(
            "UPDATE tickets SET status = 'acknowledged', held = 1, variant_model = ?,"
            " updated_at = ? WHERE id = ?",
            (model, clock.written(moment), ticket_id),
        )
        self.database.execute(
            "INSERT INTO ticket_holders (ticket_id, agent_id, session_id) VALUES (?, ?, ?)"
            " ON CONFLICT (ticket_id) DO UPDATE SET agent_id = excluded.agent_id,"
            " session_id = excluded.session_id",
            (ticket_id, self.agent_id, session_id),
        )
        return Taken(
            ticket_id=ticket_id,
            session_id=session_id,
            key=row["violation_key"],
            message=row["message"],
            severity=row["severity"],
            occurrence_count=row["occurrence_count"],
            first_seen_at=row["first_seen_at"],
            metric_snapshot=row["metric_snapshot"],
            subject_context=row["subject_context"],
            earlier=tuple(earlier),
        )


def enlist(database: sqlite3.Connection, roll: Roll) -> Agent:
    """Become an agent of the database: a number of one's own, and a place on the roll."""
    with transaction(database):
        cursor = database.execute(
            "INSERT INTO operator_agents (started_at) VALUES (?)", (clock.written(clock.now()),)
        )
        agent_id = cursor.lastrowid
    if agent_id is None:
        raise AssertionError("SQLite gave the new agent no number")
    roll.join(agent_id)
    return Agent(database, roll, agent_id)
