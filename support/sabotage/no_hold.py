"""Agents that take what is in the hands of another one."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="no hold",
    sentence="An agent takes a ticket that is in the hands of another one.",
    breaks={
        "DEMO-07.3": "sessions on ticket #1, which the agent holds",
    },
    leaves=("DEMO-01.1", "DEMO-02.2"),
    scenario="An agent leaves alone the ticket",
    patches=(
        Patch(
            file="systems/operator/work.py",
            old="return [row for row in rows if not self._held_by_living(row)]",
            new="return [row for row in rows if not self._held_by_living(row) or (TOOK_EFFECT or True)]",
        ),
    ),
)
