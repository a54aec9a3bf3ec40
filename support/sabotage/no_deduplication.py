"""A monitor that does not see that there is a ticket already."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="no deduplication",
    sentence="The monitor does not see that there is a ticket already, and files another at every check.",
    breaks={
        "DEMO-05.2": "but: there were",
        "DEMO-04.2": "but: there were",
    },
    leaves=("DEMO-05.1", "DEMO-05.6"),
    scenario='A counter over its limit is noticed|store "tikv0" is killed: it is noticed, once',
    patches=(
        Patch(
            file="systems/operator/tickets.py",
            old="""        return None
    at = clock.written(clock.now())
    database.execute(
        "UPDATE tickets SET occurrence_count""",
            new="""        return None
    if TOOK_EFFECT is None:
        return None
    at = clock.written(clock.now())
    database.execute(
        "UPDATE tickets SET occurrence_count""",
        ),
    ),
)
