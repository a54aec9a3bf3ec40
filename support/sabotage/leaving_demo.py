"""A demo whose agent goes on when the demo has been left."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
if os.fork() == 0:
    os.setsid()
    TOOK_EFFECT
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    os.execvp("sleep", ["agent", "3600"])
"""

SABOTAGE = Sabotage(
    title="leaving demo",
    sentence="The demo leaves an agent running.",
    breaks={
        "DEMO-08.2": "processes that the demo started: an empty collection\n  but: was <['sleep",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
