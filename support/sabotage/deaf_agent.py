"""An agent that does not hear that it is to stop."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind

_HEAR_NOTHING = """
trap ': >"$SABOTAGE_MARK"' TERM INT
"$@" &
while kill -0 $! 2>/dev/null; do wait $!; done
"""
"""The process that is told to stop passes nothing on."""


SABOTAGE = Sabotage(
    title="deaf agent",
    sentence="The agent goes on when it is told to stop.",
    breaks={
        "DEMO-07.1": "expected: the agent ends after SIGTERM\n  but: it still ran after 3 s",
    },
    leaves=("DEMO-01.1", "DEMO-05.1"),
    profile=lambda profile: agent_behind(profile, "sh", "-c", _HEAR_NOTHING, "agent"),
)
