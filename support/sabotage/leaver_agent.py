"""An agent that leaves a process of its own running when it ends."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind

_LEAVE_ONE = 'setsid sleep 300 >/dev/null 2>&1 & : >"$SABOTAGE_MARK"; exec "$@"'
"""The child, in a session of its own, ends by itself after 300 s, should the suite fail to end it."""


SABOTAGE = Sabotage(
    title="leaving agent",
    sentence="The agent leaves a process of its own running when it ends.",
    breaks={
        "DEMO-07.4": "processes that the agent started: an empty collection\n  but: was <[",
    },
    leaves=("DEMO-01.1", "DEMO-05.1"),
    scenario="waits for the model.s first answer|Told to stop after a ticket",
    profile=lambda profile: agent_behind(profile, "sh", "-c", _LEAVE_ONE, "agent"),
)
