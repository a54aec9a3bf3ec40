"""An agent that loses what a dead one has left: it writes those tickets off when it starts."""

from dataclasses import replace

from support.profile import Profile
from support.sabotage.sabotage import Sabotage

_WRITE_OFF = """
import os, sqlite3, sys
database, *agent = sys.argv[1:]
if os.path.exists(database):
    with sqlite3.connect(database, timeout=5) as connection:
        connection.execute(
            "UPDATE tickets SET status = 'diagnosed', held = 0, diagnosis = 'ESCALATED: its agent is dead'"
            " WHERE status = 'acknowledged'"
        )
        connection.execute("UPDATE agent_sessions SET status = 'failed' WHERE status = 'running'")
os.execvp(agent[0], agent)
"""


def _losing(profile: Profile) -> Profile:
    if profile.agent is None:
        return profile
    return replace(profile, agent=("{python}", "-c", _WRITE_OFF, "{db}", *profile.agent))


SABOTAGE = Sabotage(
    title="losing agent",
    sentence="The ticket of an agent that was killed is written off, and never worked again.",
    breaks=("DEMO-07.2",),
    profile=_losing,
)
