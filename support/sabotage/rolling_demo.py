"""A demo whose panels lose their beginning when there is much to show."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
import demo.panels.output
from demo.panels.output import OutputPanel
demo.panels.output._KEPT = 1000
forget = OutputPanel._forget
def forgetting(self, count):
    TOOK_EFFECT
    forget(self, count)
OutputPanel._forget = forgetting
"""

SABOTAGE = Sabotage(
    title="rolling demo",
    sentence="The demo's panels keep no more than the last thousand lines.",
    breaks={
        "DEMO-06.4": "expected: after HOME, the agent panel shows 'line 0 of the flood",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
