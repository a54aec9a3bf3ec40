"""The audit log: one session per attempt at a ticket, and what was thought and done in it, in order.

An entry is on disk when its function returns, so that nothing is acted upon before it is recorded.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from systems.operator import clock

SessionStatus = Literal["resolved", "escalated", "failed"]

# How the summary of a session begins whose agent died; such a session is no attempt that failed.
ABANDONED = "ABANDONED: "


def new_session_id(moment: datetime) -> str:
    """A session id in the contract's form, `{YYYY-MM-DDTHH-MM-SS}-{8 hex}`."""
    return f"{moment:%Y-%m-%dT%H-%M-%S}-{secrets.token_hex(4)}"


def open_session(database: sqlite3.Connection, ticket_id: int, moment: datetime) -> str:
    """Begin a session on a ticket, inside the caller's transaction; the new session's id."""
    session_id = new_session_id(moment)
    database.execute(
        "INSERT INTO agent_sessions (session_id, ticket_id, status, started_at) VALUES (?, ?, 'running', ?)",
        (session_id, ticket_id, clock.written(moment)),
    )
    return session_id


def close_session(database: sqlite3.Connection, session_id: str, status: SessionStatus, summary: str) -> None:
    """End a session that still runs, inside the caller's transaction."""
    database.execute(
        "UPDATE agent_sessions SET status = ?, ended_at = ?, outcome_summary = ?"
        " WHERE session_id = ? AND status = 'running'",
        (status, clock.written(clock.now()), summary, session_id),
    )


def close_abandoned(database: sqlite3.Connection, ticket_id: int) -> None:
    """End the sessions that a dead agent left running on a ticket, inside the caller's transaction."""
    for (session_id,) in database.execute(
        "SELECT session_id FROM agent_sessions WHERE ticket_id = ? AND status = 'running'",
        (ticket_id,),
    ).fetchall():
        close_session(database, session_id, "failed", f"{ABANDONED}the agent that worked the ticket died")


def attempts(database: sqlite3.Connection, ticket_id: int) -> int:
    """How many sessions on a ticket came to an end without resolving it."""
    (count,) = database.execute(
        "SELECT count(*) FROM agent_sessions WHERE ticket_id = ? AND ("
        " status = 'escalated' OR status = 'failed' AND"
        " coalesce(outcome_summary, '') NOT LIKE ? || '%')",
        (ticket_id, ABANDONED),
    ).fetchone()
    return int(count)


def earlier_summaries(database: sqlite3.Connection, ticket_id: int) -> list[str]:
    """What came of the ended sessions on a ticket, the oldest first."""
    return [
        str(summary)
        for (summary,) in database.execute(
            "SELECT outcome_summary FROM agent_sessions WHERE ticket_id = ?"
            " AND status != 'running' AND outcome_summary IS NOT NULL ORDER BY id",
            (ticket_id,),
        )
    ]


@dataclass(frozen=True)
class Journal:
    """The entries of one session. All text passes through `mask` before it is written."""

    database: sqlite3.Connection
    session_id: str
    mask: Callable[[str], str]

    def reasoning(self, text: str) -> None:
        """Record what the model said."""
        self._add("reasoning", text)

    def tool_call(self, name: str, params: Mapping[str, object]) -> None:
        """Record which tool the model asked for, with its parameters."""
        command = params.get("command")
        written = json.dumps(params, ensure_ascii=False, default=str)
        self._add(
            "tool_call",
            command if isinstance(command, str) else written,
            tool_name=name,
            tool_params=self.mask(written),
        )

    def tool_result(self, name: str, text: str, *, exit_code: int | None = None) -> None:
        """Record what the model is given back; `exit_code` is None when no command ran."""
        self._add("tool_result", text, tool_name=name, exit_code=exit_code)

    def _add(
        self,
        entry_type: str,
        content: str,
        *,
        tool_name: str | None = None,
        tool_params: str | None = None,
        exit_code: int | None = None,
    ) -> None:
        self.database.execute(
            "INSERT INTO agent_log_entries (session_id, entry_type, content,"
            " tool_name, tool_params, exit_code, timestamp) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self.session_id,
                entry_type,
                self.mask(content),
                tool_name,
                tool_params,
                exit_code,
                clock.written(clock.now()),
            ),
        )
