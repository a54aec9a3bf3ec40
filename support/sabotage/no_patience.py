"""A monitor that resolves a ticket while an agent is at work on it."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="impatient monitor",
    sentence="The monitor resolves a ticket that the agent is still at work on.",
    breaks={
        "DEMO-05.4": "a ticket that is held by an agent",
    },
    leaves=("DEMO-05.1", "DEMO-02.1"),
    scenario="A fault that heals itself while",
    patches=(
        Patch(
            file="systems/operator/tickets.py",
            old='if finding is None or row["held"] or not',
            new='if finding is None or (row["held"] and TOOK_EFFECT) or not',
        ),
    ),
)
