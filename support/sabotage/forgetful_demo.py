"""A demo that shows nine lines of ten."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
line, count = demo.app.DemoApp.line, 0
def nine_of_ten(self, process, text):
    global count
    count += process == "agent"
    if process != "agent" or count % 10:
        line(self, process, text)
    else:
        TOOK_EFFECT
demo.app.DemoApp.line = nine_of_ten
"""

SABOTAGE = Sabotage(
    title="forgetful demo",
    sentence="The demo's agent panel leaves out every tenth line.",
    breaks={
        "DEMO-06.2": "expected: the agent panel showed '    8 geese'",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
