"""A demo whose agent panel shows what the monitor prints."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
line = demo.app.DemoApp.line
demo.app.DemoApp.line = lambda self, name, text: line(self, "agent", text) if name == "monitor" else None
"""

SABOTAGE = Sabotage(
    title="mixed-up demo",
    sentence="The demo's agent panel shows the monitor's output.",
    breaks=("DEMO-06.2",),
    profile=partial(demo_changed, change=_CHANGE),
)
