"""An agent that dies of its first ticket."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind, until

SABOTAGE = Sabotage(
    title="fragile agent",
    sentence="The agent dies of its first ticket.",
    breaks={
        "DEMO-02.2": "but: it ended by itself",
        "DEMO-05.3": "but: it ended by itself",
        "DEMO-04.3": "but: it ended by itself",
    },
    leaves=("DEMO-01.1", "DEMO-02.1"),
    profile=lambda profile: agent_behind(profile, *until(profile.output.ticket_taken, "crash")),
)
