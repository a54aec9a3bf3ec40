"""An agent that hangs as soon as it is ready."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind, until

SABOTAGE = Sabotage(
    title="frozen agent",
    sentence="The agent is there, and does nothing at all.",
    breaks={
        "DEMO-02.2": "agent printed no line matching",
    },
    leaves=("DEMO-01.1", "DEMO-05.1"),
    profile=lambda profile: agent_behind(profile, *until(profile.output.agent_ready, "freeze")),
)
