"""An agent that dies as soon as it is ready."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind, until

SABOTAGE = Sabotage(
    title="crashing agent",
    sentence="The agent dies as soon as it is ready.",
    breaks={
        "DEMO-02.1": "agent ended (exit status 9)",
        "DEMO-05.1": "but: it ended by itself",
    },
    leaves=("DEMO-05.12",),
    profile=lambda profile: agent_behind(profile, *until(profile.output.agent_ready, "crash")),
)
