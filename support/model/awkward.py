"""Commands that are awkward for whoever has to run them, and a model that has them run.

They are harmless to the machine: what they print and start is bounded, and ends by itself within the hour.
"""

from collections.abc import Mapping

from support.model.conversation import Conversation
from support.model.script import Reply, Script

_TREE = 'f() { if [ "$1" -gt 0 ]; then f $(($1 - 1)) & f $(($1 - 1)) & fi; sleep 3600; }; f 5 & echo started'

AWKWARD: Mapping[str, str] = {
    "never ends": "sleep 3600",
    "prints without end": "yes",
    "prints a million lines": "yes | head -n 1000000",
    "prints what is no text": "head -c 100000 /dev/urandom",
    "waits for input": "cat; read -r line; echo \"read: '$line'\"",
    "starts processes that start processes, and leaves them": _TREE,
    "leaves a process in a session of its own": (
        "setsid sh -c 'trap \"\" TERM INT HUP; sleep 3600 & wait' >/dev/null 2>&1 & echo started"
    ),
    "kills its own shell": "kill -9 $$",
    "kills the process that started it": "kill -9 $PPID; sleep 3600",
}
"""By the words that follow "a command that"."""


def first_runs(command: str, *, on: str) -> Script:
    """A script that has this command run on the ticket that names `on`, and a plain one on all others."""

    def script(conversation: Conversation) -> Reply:
        if not conversation.turns:
            return Reply("I look.", [command if on in conversation.asked else "echo looked"])
        return Reply("RESOLVED: I looked; nothing was to be done.")

    return script


def fails_then_looks(conversation: Conversation) -> Reply:
    """Runs two commands one after the other, of which the first fails, and concludes."""
    replies = (
        Reply("I try what I know.", ["echo so far; echo no further >&2; exit 3"]),
        Reply("That failed with 3; I look elsewhere.", ["echo here it is"]),
        Reply("RESOLVED: I found it elsewhere."),
    )
    return replies[len(conversation.turns)]


def both_at_once(conversation: Conversation) -> Reply:
    """Has two commands run by one reply, and concludes."""
    if not conversation.turns:
        return Reply("I look at two things.", ["echo one; exit 1", "echo two; exit 2"])
    return Reply("RESOLVED: I looked at both.")
