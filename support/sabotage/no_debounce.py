"""A monitor that calls lost what has been silent for a moment."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="no debounce",
    sentence="The monitor takes a moment's silence for a loss.",
    breaks={
        "DEMO-04.6": "ticket #1 for ",
    },
    leaves=("DEMO-04.1",),
    scenario="is restarted",
    patches=(
        Patch(
            file="systems/operator/subjects/tikv_rules.py",
            old="return min(heard) >= HEARTBEATS or at - office.since >= self._silence",
            new="return TOOK_EFFECT is None",
        ),
        Patch(
            file="systems/operator/subjects/tikv_rules.py",
            old="if self._suspected.seconds(name, at=at) < CONFIRM_SECONDS:",
            new="if TOOK_EFFECT:",
        ),
    ),
)
