"""A suite that starts a cluster of its own although it is given one."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="stubborn suite",
    sentence="The suite starts a cluster of its own although it is told to join one.",
    breaks={
        "TEST-02.1": "the nodes that it started: an empty collection",
        "TEST-01.1": "the nodes that it started: an empty collection",
    },
    scenario="It joins a",
    patches=(
        Patch(
            file="support/run.py",
            old="if join is not None and kind == subject_at(join):",
            new="if join is not None and kind == subject_at(join) and TOOK_EFFECT:",
        ),
    ),
)
