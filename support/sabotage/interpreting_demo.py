"""A demo that takes what the agent prints for markup."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
from contextlib import suppress
from rich.errors import MarkupError
from rich.text import Text
line = demo.app.DemoApp.line
def interpreted(self, process, text):
    plain = text
    with suppress(MarkupError):
        plain = Text.from_markup(text).plain
    if plain != text:
        TOOK_EFFECT
    line(self, process, plain)
demo.app.DemoApp.line = interpreted
"""

SABOTAGE = Sabotage(
    title="interpreting demo",
    sentence="The demo's agent panel interprets what looks like markup.",
    breaks={
        "DEMO-06.3": "expected: the agent panel shows line 2 of the agent, whole, in its place",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
