"""A model that brings the store back and starts a fourth one beside it."""

import json
import re
import shlex
from collections.abc import Sequence

from support.model import Conversation, Reply, Story, story
from support.model.engineer import work
from support.model.http_shell import client_in, first_look, request
from support.model.script import NoAnswer
from support.model.ticket import violation
from support.sabotage.sabotage import Sabotage

_STORES = '"${PD_ENDPOINT%/}/pd/api/v1/stores"'
_PATIENCE = 100
"""Tenths of a second that a store has to be on PD's list."""


@story
def script(conversation: Conversation) -> Story:
    """Repairs, and starts one more store with the command of another."""
    repaired = yield from work(conversation)
    invariant, _ = violation(conversation.asked)
    if invariant != "store_down" or not repaired.text.startswith("RESOLVED"):
        return repaired
    seen = yield Reply(
        "Four stores are better than three. I look how one is started.",
        [first_look([_STORES]), "stackctl inspect tikv1"],
    )
    client = client_in(seen.results[0].text) or ""
    inspected = seen.results[1].text
    command = json.loads(inspected[inspected.index("{") :])["command"]
    added = yield Reply("I start a store of my own.", [_starting(command, client)])
    if '"count": 4' not in added.output:
        raise NoAnswer(f"the sabotage took no effect, PD lists no fourth store: {added.output!r}")
    return repaired


def _starting(command: Sequence[str], client: str) -> str:
    """The shell command that starts a store like that of `command`, on ports of its own and without data."""
    alike = [word for word in command if not re.match(r"--(data-dir|.*addr)=", word)]
    return (
        "port=$((10240 + $$ % 20000)); here=127.0.0.1:$port; there=127.0.0.1:$((port + 1)); "
        f"{shlex.join(alike)} --addr=$here --advertise-addr=$here --status-addr=$there "
        '--advertise-status-addr=$there --data-dir="$TMPDIR/fourth" & '
        f"for i in $(seq {_PATIENCE}); do {request(client, 'GET', _STORES)} | "
        """grep '"count": 4' && break; sleep 0.1; done"""
    )


SABOTAGE = Sabotage(
    title="store-adding model",
    sentence="The model brings the store back and starts a fourth one beside it.",
    breaks={
        "DEMO-04.4": "was not there and is id",
    },
    scenario='store "tikv0" is killed: the agent brings|The ticket is resolved by a repair that holds',
    leaves=("DEMO-04.1", "DEMO-05.1"),
    script=script,
)
