"""Agents that take each other's tickets: whatever one has taken is offered to all once more."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind

_OFFER_AGAIN = """
import os, sqlite3, sys, time
database, *agent = sys.argv[1:]
me = os.getpid()
if os.fork():
    os.execvp(agent[0], agent)
offered = set()
while os.getppid() == me:
    time.sleep(0.01)
    try:
        with sqlite3.connect("file:" + database + "?mode=rw", uri=True) as connection:
            taken = {n for (n,) in connection.execute("SELECT id FROM tickets WHERE status = 'acknowledged'")}
            for number in taken - offered:
                connection.execute("UPDATE tickets SET status = 'open', held = 0 WHERE id = ?", (number,))
                offered.add(number)
                open(os.environ["SABOTAGE_MARK"], "w").close()
                connection.execute("DELETE FROM ticket_holders WHERE ticket_id = ?", (number,))
    except sqlite3.OperationalError:
        continue
"""


SABOTAGE = Sabotage(
    title="sharing agents",
    sentence="Two agents work the same ticket.",
    breaks={
        "DEMO-07.3": "sessions on ticket #1, which the agent holds: an object with length of <1>",
    },
    leaves=("DEMO-01.1", "DEMO-05.1"),
    scenario="An agent leaves alone the ticket",
    profile=lambda profile: agent_behind(profile, "{python}", "-c", _OFFER_AGAIN, "{db}"),
)
