"""Agents that take each other's tickets: whatever one has taken is offered to all once more."""

from dataclasses import replace

from support.profile import Profile
from support.sabotage.sabotage import Sabotage

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
                connection.execute("DELETE FROM ticket_holders WHERE ticket_id = ?", (number,))
    except sqlite3.OperationalError:
        continue
"""


def _sharing(profile: Profile) -> Profile:
    if profile.agent is None:
        return profile
    return replace(profile, agent=("{python}", "-c", _OFFER_AGAIN, "{db}", *profile.agent))


SABOTAGE = Sabotage(
    title="sharing agents",
    sentence="Two agents work the same ticket.",
    breaks=("DEMO-07.3",),
    profile=_sharing,
)
