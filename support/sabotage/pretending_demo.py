"""A demo that plays its chapters and breaks nothing."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
import anyio
from demo.story import Story
async def pretend(self):
    TOOK_EFFECT
    await anyio.sleep(1)
    return "done"
Story._break = Story._detect = Story._repair = pretend
"""

SABOTAGE = Sabotage(
    title="pretending demo",
    sentence="The demo tells of a fault and of its repair, and there was neither.",
    breaks={
        "DEMO-04.10": "expected: the frame of the cluster panel was red",
        "DEMO-05.10": "expected: the frame of the cluster panel was red",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
