"""An agent whose last records on a ticket are lost."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="lost transaction",
    sentence="What the agent records at the end of a ticket is lost.",
    breaks={
        "DEMO-07.1": "a session that was escalated, its summary naming SIGTERM",
    },
    leaves=("DEMO-01.1", "DEMO-02.1"),
    scenario="SIGTERM while it waits for the model's first",
    patches=(
        Patch(
            file="systems/operator/work.py",
            old="""taken.session_id, outcome.session, outcome.summary)
""",
            new="""taken.session_id, outcome.session, outcome.summary)
            TOOK_EFFECT
            self.database.execute("ROLLBACK")
            self.database.execute("BEGIN")
""",
        ),
    ),
)
