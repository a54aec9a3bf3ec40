"""The default script: a competent on-call engineer, who knows only what the ticket and the tools say.

Looks before changing anything, changes as little as possible, looks again, and claims nothing that was
not seen. The first line of the last message begins with `RESOLVED:` or `ESCALATED:`.
"""

import json
import re
from collections.abc import Generator

from support.model.conversation import Conversation, Turn
from support.model.counters import (
    Counter,
    Unreadable,
    cleared_in,
    client_of,
    counter_in,
    looking,
    looking_again,
    nodes_in,
    resetting,
)
from support.model.script import NoAnswer, Reply, Story, story

_ATTEMPTS = 2
_SUMMARY_CHARACTERS = 300

# The invariants of the operator contract, with the key of the violation where it is spelled out.
_VIOLATION = re.compile(
    r"\b(?P<invariant>over_limit|ghost_allowing|counter_drift|node_down|redis_disconnected|high_latency"
    r"|store_down|pd_member_down|pd_no_leader|low_disk_space)\b(?::(?P<key>[^\s\"'`,;<>)\]}]+))?"
)
_RECORDED_KEY = re.compile(r'"(?:key|identifier|store_id)": *("(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")')
_KEY_IN_MESSAGE = re.compile(
    r"\bcounter (?:[\"'`](?P<quoted>[^\"'`]+)[\"'`]|(?P<bare>\S+) (?:is )?over (?:its )?limit)",
    re.IGNORECASE,
)


@story
def on_call_engineer(conversation: Conversation) -> Story:
    """Repairs a counter over its limit; of any other violation says what was seen, and escalates."""
    if conversation.shell is None:
        return _summary(conversation)
    return (yield from work(conversation))


def work(conversation: Conversation) -> Story:
    """Work the ticket from the first look to the conclusion."""
    key = over_limit_key(conversation.asked)
    try:
        if key is None:
            return (yield from _escalate_after_a_look(conversation))
        client, counter = yield from look(key)
        if not counter.over:
            return Reply(
                f'RESOLVED: counter "{key}" is within its limit ({describe(counter)}); nothing was changed.\n'
                "The violation of the ticket had cleared by the time I looked."
            )
        return (yield from _reset(client, counter))
    except Unreadable as problem:
        return Reply(f"ESCALATED: I could not see what I needed to see: {problem}")


def look(key: str) -> Generator[Reply, Turn, tuple[str, Counter]]:
    """Look at counters, limits and nodes; gives the HTTP client found and the counter.

    Raises `Unreadable` if that could not be seen.
    """
    seen = yield Reply(
        f'The ticket says that counter "{key}" is over its limit. Before I change anything I look at the '
        "counters, the limits and the nodes as the rate limiter itself reports them.",
        [looking()],
    )
    return client_of(seen.output), counter_in(seen.output, key)


def look_at_again(client: str, key: str, *, said: str) -> Generator[Reply, Turn, Counter]:
    """Look at the one counter once more. Raises `Unreadable` if it could not be seen."""
    seen = yield Reply(said, [looking_again(client)])
    return counter_in(seen.output, key)


def describe(counter: Counter) -> str:
    """The counter's state, for a sentence."""
    if counter.limit is None:
        return "it is not listed, so no request counts against it"
    return f"count {counter.count}, limit {counter.limit}"


def over_limit_key(ticket: str) -> str | None:
    """The key of the counter that the ticket says is over its limit, or None if it says no such thing.

    The violation is the first invariant that the ticket names. Its key stands right after it
    (`over_limit:KEY`), or else in a metric snapshot or a message about the counter.
    """
    violation = _VIOLATION.search(ticket)
    if violation is None or violation["invariant"] != "over_limit":
        return None
    recorded: list[str] = [json.loads(each, strict=False) for each in _RECORDED_KEY.findall(ticket)]
    if violation["key"]:
        # A key with spaces or commas in it is told from the text around it by the record of it.
        whole = [key for key in recorded if f"over_limit:{key}" in ticket]
        return whole[0] if whole else violation["key"].rstrip(".:")
    if recorded:
        return recorded[0]
    said = _KEY_IN_MESSAGE.search(ticket)
    return said["quoted"] or said["bare"] if said else None


def _reset(client: str, counter: Counter) -> Story:
    key, found = counter.key, counter
    for attempt in range(1, _ATTEMPTS + 1):
        again = "" if attempt == 1 else " It may have been filled again meanwhile, so I try once more."
        done = yield Reply(
            f'Counter "{key}" is at {counter.count} with a limit of {counter.limit}: '
            f"{counter.count - (counter.limit or 0)} more requests are counted in the window than it allows. "
            f"The count is what is wrong, not the limit.{again} The least change that puts it right is to "
            "reset this one counter; its limit and all other counters stay as they are.",
            [resetting(client, key)],
        )
        cleared = cleared_in(done.output)
        counter = yield from look_at_again(
            client, key, said=f"The reset cleared {cleared} requests. I look again to see whether it took."
        )
        if not counter.over:
            return Reply(
                f'RESOLVED: counter "{key}" was over its limit (count {found.count}, limit {found.limit}) '
                f"and was reset, {cleared} requests cleared.\n"
                f"Looked at afterwards: {describe(counter)}. The limit was not changed."
            )
    return Reply(
        f'ESCALATED: counter "{key}" is still over its limit ({describe(counter)}). I tried to reset it '
        f"{_ATTEMPTS} times; each time it was over its limit again when I looked. Something fills it past "
        "its limit, which resetting does not stop."
    )


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
