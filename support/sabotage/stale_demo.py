"""A demo that begins with the tickets of the one before."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
import demo.stage
demo.stage._set_aside = lambda database: TOOK_EFFECT if database.exists() else None
"""

SABOTAGE = Sabotage(
    title="stale demo",
    sentence="The demo shows tickets of an earlier run.",
    breaks={
        "DEMO-03.1": "expected: tickets: an empty collection",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
