"""Follows the operator's records and turns what appears in them into events, within some 20 ms."""

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio

from support.evidence.records import Records, read_records
from support.evidence.timeline import Timeline

_LOOK_EVERY = 0.02


class RecordsWatch:
    """Compares the records with those seen last and notes on the timeline what is new."""

    def __init__(self, database: Path, timeline: Timeline) -> None:
        self._database = database
        self._timeline = timeline
        self._entries: set[int] = set()
        self._tickets: dict[int, str] = {}
        self._sessions: dict[str, str] = {}

    async def run(self) -> None:
        """Look whenever another connection has committed something, until cancelled."""
        while not self._database.exists():  # noqa: ASYNC110 - whoever creates it does not say so
            await anyio.sleep(_LOOK_EVERY)
        uri = f"file:{self._database}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as connection:
            version = None
            while True:
                try:
                    latest = connection.execute("PRAGMA data_version").fetchone()
                    if latest != version:
                        version = latest
                        self.look()
                except sqlite3.DatabaseError:
                    pass  # the operator is to blame for a broken database; the steps that read it say so
                await anyio.sleep(_LOOK_EVERY)

    def look(self) -> None:
        """Note what has appeared since the last look. Raises sqlite3.DatabaseError."""
        records = read_records(self._database)
        self._note_tickets(records)
        self._note_sessions(records)

    def _note_tickets(self, records: Records) -> None:
        for ticket in records.tickets:
            before = self._tickets.get(ticket.id)
            if before in (None, "resolved") and ticket.status != "resolved":
                self._timeline.record("ticket.opened", ticket=ticket.id, key=ticket.violation_key)
            if before != "resolved" and ticket.status == "resolved":
                self._timeline.record("ticket.resolved", ticket=ticket.id, key=ticket.violation_key)
            self._tickets[ticket.id] = ticket.status

    def _note_sessions(self, records: Records) -> None:
        for session in records.sessions:
            known = session.session_id in self._sessions
            if not known:
                self._timeline.record("session.started", session=session.session_id, ticket=session.ticket_id)
            for entry in session.entries:
                if entry.id in self._entries:
                    continue
                self._entries.add(entry.id)
                if entry.entry_type == "tool_call":
                    self._timeline.record("tool.called", entry=entry.id, command=entry.command)
                elif entry.entry_type == "tool_result":
                    self._timeline.record("tool.returned", entry=entry.id, exit=entry.exit_code)
            if session.status != "running" and self._sessions.get(session.session_id) != session.status:
                self._timeline.record("session.ended", session=session.session_id, outcome=session.status)
            self._sessions[session.session_id] = session.status
