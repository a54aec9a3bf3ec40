"""Compares an audit session with what the model saw.

`differences` reads like a list of complaints; an empty one means that the session holds exactly what
was exchanged.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support.evidence.records import Entry, Session
from support.model.conversation import blocks_of, text_of
from support.model.exchange import Exchange

_EXCERPT = 120


@dataclass(frozen=True)
class _Said:
    """One thing that must be on record: `key` is what it is recognised by."""

    kind: str
    key: str

    def __str__(self) -> str:
        text = " ".join(self.key.split())
        return f"{self.kind} {text if len(text) <= _EXCERPT else text[:_EXCERPT] + '…'!r}"


def conversations(exchanges: Sequence[Exchange]) -> list[list[Exchange]]:
    """The exchanges that gave the operator an answer and a tool to use, by conversation, in order."""
    found: dict[str, list[Exchange]] = {}
    for exchange in exchanges:
        if exchange.status == 200 and not exchange.troubled and exchange.conversation is not None:
            found.setdefault(exchange.conversation, []).append(exchange)
    return [each for each in found.values() if each[0].request.get("tools")]


def differences(session: Session, conversation: Sequence[Exchange]) -> list[str]:
    """What the model said or was told and the session does not hold, or holds and never was, in words."""
    told = _results(conversation)
    got = [_entry(entry) for entry in session.entries]
    wanted: list[_Said] = []
    for exchange in conversation:
        wanted += _reply(exchange.response)
        calls = [block["id"] for block in exchange.response["content"] if block["type"] == "tool_use"]
        wanted += [_Said("tool_result", told[each]) for each in calls if each in told]
    missing, invented = Counter(wanted), Counter(got)
    missing.subtract(Counter(got))
    invented.subtract(Counter(wanted))
    found = [f"{said} was exchanged and is not on record" for said, n in missing.items() if n > 0]
    found += [f"{said} is on record and was not exchanged" for said, n in invented.items() if n > 0]
    if not found and got != wanted:
        at = next(i for i, (a, b) in enumerate(zip(got, wanted, strict=True)) if a != b)
        found.append(f"entry {at + 1} is {got[at]}; in the order of what happened it is {wanted[at]}")
    return found


def commands_on_record(session: Session) -> list[str]:
    """The commands of the session's tool calls that were run: those whose result has an exit code."""
    commands: list[str] = []
    waiting: list[str] = []
    for entry in session.entries:
        if entry.entry_type == "tool_call":
            waiting.append(entry.command or "")
        elif entry.entry_type == "tool_result" and waiting:
            command = waiting.pop(0)
            if entry.exit_code is not None:
                commands.append(command)
    return commands


def _reply(message: Mapping[str, Any]) -> list[_Said]:
    said = []
    for block in message["content"]:
        text = block.get("text") or block.get("thinking") or ""
        if block["type"] in ("text", "thinking") and text.strip():
            said.append(_Said("reasoning", text.strip()))
        elif block["type"] == "tool_use":
            said.append(_Said("tool_call", _call(block["name"], block["input"])))
    return said


def _results(conversation: Sequence[Exchange]) -> dict[str, str]:
    return {
        block["tool_use_id"]: text_of(block.get("content")).strip()
        for exchange in conversation
        for message in exchange.request["messages"]
        for block in blocks_of(message["content"])
        if block.get("type") == "tool_result"
    }


def _entry(entry: Entry) -> _Said:
    if entry.entry_type == "tool_call":
        try:
            return _Said("tool_call", _call(entry.tool_name or "", json.loads(entry.tool_params or "{}")))
        except ValueError:
            return _Said("tool_call", f"{entry.tool_name} {entry.tool_params}")
    return _Said(entry.entry_type, entry.content.strip())


def _call(name: str, given: object) -> str:
    return f"{name} {json.dumps(given, sort_keys=True, ensure_ascii=False)}"
