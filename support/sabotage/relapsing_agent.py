"""An agent whose repair does not hold: the node it has brought back is stopped again soon after."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import relapsing

SABOTAGE = Sabotage(
    title="relapsing agent",
    sentence="The agent's repair does not hold: what it has brought back is stopped again soon after.",
    breaks={
        "DEMO-04.5": "what is wrong again at check",
    },
    scenario="The ticket is resolved by a repair that holds",
    leaves=("DEMO-04.1", "DEMO-05.1"),
    profile=partial(relapsing, seconds=0.4),
)
