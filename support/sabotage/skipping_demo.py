"""A demo that leaves out a chapter."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
import demo.story
class Skipping(dict):
    def items(self):
        for name, chapter in super().items():
            if name == "detection":
                TOOK_EFFECT
            else:
                yield name, chapter
demo.story.CHAPTERS = Skipping(demo.story.CHAPTERS)
"""

SABOTAGE = Sabotage(
    title="skipping demo",
    sentence="The demo goes from the fault to the repair, past the detection.",
    breaks={
        "DEMO-08.1": "expected: the chapters that the screen showed",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
