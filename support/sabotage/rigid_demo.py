"""A demo that does not follow its terminal when that is given another size."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import demo_changed

_CHANGE = """
import signal
listen = signal.signal
def hard_of_hearing(number, handler):
    if number == signal.SIGWINCH:
        handler = lambda *words: TOOK_EFFECT
    return listen(number, handler)
signal.signal = hard_of_hearing
"""

SABOTAGE = Sabotage(
    title="rigid demo",
    sentence="The demo keeps the size that its terminal had at first.",
    breaks={
        "DEMO-06.4": "expected: all panels are whole at 40 by 10",
    },
    leaves=("DEMO-06.5",),
    profile=partial(demo_changed, change=_CHANGE),
)
