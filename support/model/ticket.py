"""What a ticket says is violated, read from its text as an on-call engineer would."""

import json
import re

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


def violation(ticket: str) -> tuple[str | None, str | None]:
    """The invariant that the ticket says is violated, and on which part; None where it says no such thing.

    The violation is the first invariant that the ticket names. Its part stands right after it
    (`over_limit:KEY`), or else in a metric snapshot or a message about the counter.
    """
    named = _VIOLATION.search(ticket)
    if named is None:
        return None, None
    invariant = named["invariant"]
    recorded: list[str] = [json.loads(each, strict=False) for each in _RECORDED_KEY.findall(ticket)]
    if named["key"]:
        # A key with spaces or commas in it is told from the text around it by the record of it.
        whole = [key for key in recorded if f"{invariant}:{key}" in ticket]
        return invariant, whole[0] if whole else named["key"].rstrip(".:")
    if recorded:
        return invariant, recorded[0]
    said = _KEY_IN_MESSAGE.search(ticket)
    return invariant, said["quoted"] or said["bare"] if said else None
