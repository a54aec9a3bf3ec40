"""A demo whose agent goes on when the demo has been left."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
import os
if os.fork() == 0:
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    os.execvp("sleep", ["agent", "3600"])
"""

SABOTAGE = Sabotage(
    title="leaving demo",
    sentence="The demo leaves an agent running.",
    breaks=("DEMO-08.2",),
    profile=partial(demo_changed, change=_CHANGE),
)
