"""A demo that takes what the agent prints for markup."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
from rich.text import Text
line = demo.app.DemoApp.line
demo.app.DemoApp.line = lambda self, process, text: line(self, process, Text.from_markup(text).plain)
"""

SABOTAGE = Sabotage(
    title="interpreting demo",
    sentence="The demo's agent panel interprets what looks like markup.",
    breaks=("DEMO-06.3",),
    profile=partial(demo_changed, change=_CHANGE),
)
