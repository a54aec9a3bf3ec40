"""A monitor that calls a PD member lost that has been silent for a moment."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="no debounce",
    sentence="The monitor takes a moment's silence of a PD member for its loss.",
    breaks={
        "DEMO-04.6": "ticket #1 for pd_member_down",
    },
    leaves=("DEMO-04.1",),
    scenario="the PD leader is restarted",
    patches=(
        Patch(
            file="systems/operator/subjects/tikv_rules.py",
            old="if self._suspected.seconds(name, at=at) < CONFIRM_SECONDS:",
            new="if TOOK_EFFECT:",
        ),
    ),
)
