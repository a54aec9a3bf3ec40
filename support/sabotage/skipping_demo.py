"""A demo that leaves out a chapter."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
import demo.story
told = demo.story.CHAPTERS
demo.story.CHAPTERS = {name: chapter for name, chapter in told.items() if name != "detection"}
"""

SABOTAGE = Sabotage(
    title="skipping demo",
    sentence="The demo goes from the fault to the repair, past the detection.",
    breaks=("DEMO-08.1",),
    profile=partial(demo_changed, change=_CHANGE),
)
