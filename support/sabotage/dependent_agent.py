"""An agent that relies on somebody else to have made its tables."""

from dataclasses import replace

from support.profile import Profile
from support.sabotage.sabotage import Sabotage

_NEED_TABLES = """
import os, sqlite3, sys
database, *agent = sys.argv[1:]
sqlite3.connect(database).execute("SELECT * FROM tickets")
os.execvp(agent[0], agent)
"""


def _dependent(profile: Profile) -> Profile:
    if profile.agent is None:
        return profile
    return replace(profile, agent=("{python}", "-c", _NEED_TABLES, "{db}", *profile.agent))


SABOTAGE = Sabotage(
    title="dependent agent",
    sentence="The agent does not start where nobody has made its tables before.",
    breaks=("DEMO-01.1", "DEMO-01.2"),
    profile=_dependent,
)
