"""An agent that dies of every ticket, and is started again each time."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind, until

_AGAIN = """
trap 'kill $! 2>/dev/null; wait $!; exit 0' TERM INT
while true; do "$@" & wait $!; done
"""

SABOTAGE = Sabotage(
    title="looping agent",
    sentence="The agent dies of its ticket, is started again, and dies of it again, without end.",
    breaks={"DEMO-05.5": "exactly one ticket: a resolved ticket"},
    leaves=("DEMO-01.1",),
    scenario="The ticket is resolved by a repair that holds",
    profile=lambda profile: agent_behind(
        profile, "sh", "-c", _AGAIN, "agent", *until(profile.output.ticket_taken, "crash")
    ),
)
