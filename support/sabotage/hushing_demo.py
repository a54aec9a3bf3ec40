"""A demo that keeps quiet about the end of a process."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
demo.app.DemoApp.ended = lambda *words: TOOK_EFFECT
"""

SABOTAGE = Sabotage(
    title="hushing demo",
    sentence="The demo does not say that a process has died.",
    breaks={
        "DEMO-06.5": "expected: the agent panel says that the agent has ended, with status 3",
    },
    leaves=("DEMO-06.3",),
    profile=partial(demo_changed, change=_CHANGE),
)
