"""The default script: a competent on-call engineer, who knows only what the ticket and the tools say.

Looks before changing anything, changes as little as possible, looks again, and claims nothing that was
not seen. The first line of the last message begins with `RESOLVED:` or `ESCALATED:`. What is done about
each violation is a file of its own, `engineer_*.py`.
"""

import re
from collections.abc import Callable, Mapping

from support.model.conversation import Conversation
from support.model.counters import Unreadable, client_of, looking, nodes_in
from support.model.engineer_drift import counter_drift
from support.model.engineer_limits import describe, ghost_allowing, look, look_at_again, over_limit
from support.model.engineer_nodes import node_down, redis_disconnected
from support.model.engineer_stores import pd_no_leader, store_down
from support.model.script import NoAnswer, Reply, Story, story
from support.model.ticket import violation

__all__ = ["describe", "look", "look_at_again", "on_call_engineer", "over_limit_key", "work"]

_SUMMARY_CHARACTERS = 300

_WORK: Mapping[str, Callable[[str], Story]] = {
    "counter_drift": counter_drift,
    "ghost_allowing": ghost_allowing,
    "node_down": node_down,
    "over_limit": over_limit,
    "pd_member_down": node_down,
    "store_down": store_down,
}
"""What is done about a violation of one part of the cluster, which is named."""


@story
def on_call_engineer(conversation: Conversation) -> Story:
    """Repairs the violations it knows; of any other one says what was seen, and escalates."""
    if conversation.shell is None:
        return _summary(conversation)
    return (yield from work(conversation))


def work(conversation: Conversation) -> Story:
    """Work the ticket from the first look to the conclusion."""
    invariant, part = violation(conversation.asked)
    try:
        if invariant == "redis_disconnected":
            return (yield from redis_disconnected())
        if invariant == "pd_no_leader":
            return (yield from pd_no_leader())
        if part is not None and (repair := _WORK.get(invariant or "")):
            return (yield from repair(part))
        return (yield from _escalate_after_a_look(conversation))
    except Unreadable as problem:
        return Reply(f"ESCALATED: I could not see what I needed to see: {problem}")


def over_limit_key(ticket: str) -> str | None:
    """The key of the counter that the ticket says is over its limit, or None if it says no such thing."""
    invariant, key = violation(ticket)
    return key if invariant == "over_limit" else None


def _escalate_after_a_look(conversation: Conversation) -> Story:
    first_line = conversation.asked.strip().partition("\n")[0]
    seen = yield Reply(
        f"The ticket reads: {first_line}\nI know no safe repair for this. I look at the counters, the limits "
        "and the nodes before I hand it on.",
        [looking()],
    )
    client_of(seen.output)
    return Reply(
        f"ESCALATED: I know no safe repair for this violation ({first_line}).\n"
        "I looked at the counters, the limits and the nodes, and changed nothing. "
        f"Nodes: {nodes_in(seen.output)}."
    )


def _summary(conversation: Conversation) -> Reply:
    # Operators may have another model shorten what they log: without tools, the instruction first.
    instruction, _, text = conversation.asked.partition("\n\n")
    if not re.search(r"\bsummari[sz]e\b", instruction, re.IGNORECASE):
        raise NoAnswer("it is offered no tool that takes a command, and is not asked for a summary")
    text = " ".join(text.split())
    return Reply(text if len(text) <= _SUMMARY_CHARACTERS else text[:_SUMMARY_CHARACTERS] + "…")
