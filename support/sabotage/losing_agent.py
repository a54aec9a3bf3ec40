"""An agent that loses what a dead one has left: it writes those tickets off when it starts."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind

_WRITE_OFF = """
import os, sqlite3, sys
database, *agent = sys.argv[1:]
try:
    with sqlite3.connect("file:" + database + "?mode=rw", uri=True, timeout=5) as connection:
        written_off = connection.execute(
            "UPDATE tickets SET status = 'diagnosed', held = 0, diagnosis = 'ESCALATED: its agent is dead'"
            " WHERE status = 'acknowledged'"
        ).rowcount
        if written_off:
            open(os.environ["SABOTAGE_MARK"], "w").close()
        connection.execute("UPDATE agent_sessions SET status = 'failed' WHERE status = 'running'")
except sqlite3.OperationalError:  # there is nothing yet
    pass
os.execvp(agent[0], agent)
"""


SABOTAGE = Sabotage(
    title="losing agent",
    sentence="The ticket of an agent that was killed is written off, and never worked again.",
    breaks={
        "DEMO-07.2": "but: ticket #1 for over_limit:checkout, diagnosed, ESCALATED",
    },
    leaves=("DEMO-01.1", "DEMO-05.1"),
    profile=lambda profile: agent_behind(profile, "{python}", "-c", _WRITE_OFF, "{db}"),
)
