"""A suite whose guardian sleeps on when the suite is dead."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="sleeping guardian",
    sentence="Nobody removes what the suite leaves when it is killed.",
    breaks={
        "TEST-02.3": "an empty collection",
        "TEST-01.3": "an empty collection",
    },
    scenario="a kill that it cannot catch",
    patches=(
        Patch(
            file="support/supervisor/leftovers.py",
            old="""    report = finish(registry)
    import json""",
            new="""    TOOK_EFFECT
    report = Report([], [], [])
    import json""",
        ),
    ),
)
