"""A monitor that resolves its tickets when it cannot see the cluster."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="resolving blind",
    sentence="The monitor resolves all tickets when it cannot see the cluster.",
    breaks={
        "DEMO-05.7": "a open ticket for over_limit:checkout",
        "DEMO-04.7": "a open ticket for store_down",
    },
    leaves=("DEMO-05.1", "DEMO-02.1"),
    scenario="the API, which refuses it|A monitor that cannot see the cluster",
    patches=(
        Patch(
            file="systems/operator/monitor.py",
            old="""        say(f"Check failed: {error}")
        return
""",
            new="""        say(f"Check failed: {error}")
        TOOK_EFFECT
        database.execute(
            "UPDATE tickets SET status = 'resolved', resolved_at = ?", (began.isoformat(),)
        )
        return
""",
        ),
    ),
)
