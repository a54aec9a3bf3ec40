"""A monitor that takes what it cannot see for health."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import monitor_saying

SABOTAGE = Sabotage(
    title="optimist monitor",
    sentence="The monitor reports that all is well when it cannot see the cluster.",
    breaks={
        "DEMO-05.7": "expected: the monitor says that it cannot see",
        "DEMO-04.7": "expected: the monitor says that it cannot see",
    },
    leaves=("DEMO-05.1",),
    profile=partial(
        monitor_saying, what="^Check (failed|incomplete).*", instead="Check complete: all passing"
    ),
)
