"""A demo whose agent panel shows what the monitor prints."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
line = demo.app.DemoApp.line
def mixed_up(self, process, text):
    if process == "monitor":
        TOOK_EFFECT
        line(self, "agent", text)
demo.app.DemoApp.line = mixed_up
"""

SABOTAGE = Sabotage(
    title="mixed-up demo",
    sentence="The demo's agent panel shows the monitor's output.",
    breaks={
        "DEMO-06.2": "expected: the agent's last line is shown",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
