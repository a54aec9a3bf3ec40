"""An agent that relies on somebody else to have made its tables."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind

_NEED_TABLES = """
import os, sqlite3, sys
database, *agent = sys.argv[1:]
try:
    sqlite3.connect(database).execute("SELECT * FROM tickets")
except sqlite3.OperationalError:
    open(os.environ["SABOTAGE_MARK"], "w").close()
    raise
os.execvp(agent[0], agent)
"""


SABOTAGE = Sabotage(
    title="dependent agent",
    sentence="The agent does not start where nobody has made its tables before.",
    breaks={
        "DEMO-01.1": "no such table: tickets",
        "DEMO-01.2": "the agent did not become ready",
    },
    leaves=("DEMO-05.12",),
    scenario="does not exist",
    profile=lambda profile: agent_behind(profile, "{python}", "-c", _NEED_TABLES, "{db}"),
)
