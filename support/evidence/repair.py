"""Which of the agent's commands changed the stack, told from what the stack itself witnessed.

Commands are not judged by their words: one that changed something is one during which a change was seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from support.evidence.matchers import describe_session
from support.evidence.records import Entry, Records
from support.stacks.stack import Change


@dataclass(frozen=True, kw_only=True)
class Repair:
    """The first change to the stack, the tool call that made it, and what the agent did before that call."""

    change: Change
    call: Entry
    looks: Sequence[Entry]
    """Earlier tool calls that ended well."""
    reasoning: Sequence[str]
    """What the agent wrote before that call."""


def first_repair(records: Records, changes: Sequence[Change]) -> Repair:
    """Find the tool call behind the first change.

    Raises AssertionError when nothing was changed, or when no tool call on record can have done it.
    """
    told = "\n    ".join(describe_session(session) for session in records.sessions) or "no session"
    if not changes:
        raise AssertionError(
            "expected: a command of the agent that changes the stack\n"
            f"  but: nothing changed the stack after the fault; on record is {told}"
        )
    change = min(changes, key=lambda each: each.wall)
    entries = sorted(
        (entry for session in records.sessions for entry in session.entries),
        key=lambda entry: (entry.wall, entry.id),
    )
    before = [entry for entry in entries if entry.wall <= change.wall]
    calls = [entry for entry in before if entry.entry_type == "tool_call"]
    if not calls:
        raise AssertionError(
            f"expected: the change {change.what!r} to be the work of a recorded tool call\n"
            f"  but: there was none before it; on record is {told}"
        )
    call = calls[-1]
    earlier = before[: before.index(call)]
    returned = [entry for entry in earlier if entry.entry_type == "tool_result" and entry.exit_code == 0]
    return Repair(
        change=change,
        call=call,
        looks=returned,
        reasoning=[entry.content for entry in earlier if entry.entry_type == "reasoning"],
    )
