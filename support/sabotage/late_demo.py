"""A demo that shows everything two seconds late."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
import asyncio
line = demo.app.DemoApp.line
def later(*words):
    TOOK_EFFECT
    asyncio.get_running_loop().call_later(2, line, *words)
demo.app.DemoApp.line = later
"""

SABOTAGE = Sabotage(
    title="late demo",
    sentence="The demo's agent panel is two seconds behind the agent.",
    breaks={
        "DEMO-06.1": "expected: seconds until the panel showed",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
