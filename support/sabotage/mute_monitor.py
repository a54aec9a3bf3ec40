"""A monitor that starts, and then says nothing of its checks."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import monitor_saying

SABOTAGE = Sabotage(
    title="mute monitor",
    sentence="The monitor starts, and then says nothing of its checks.",
    breaks={
        "DEMO-05.1": "but: it made 0 and then none",
        "DEMO-04.1": "but: it made 0 and then none",
    },
    leaves=("DEMO-01.1", "DEMO-02.1"),
    profile=partial(monitor_saying, what="^Check .*", instead=""),
)
