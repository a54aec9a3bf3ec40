"""A monitor that reports a violation whatever it sees."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import monitor_saying

SABOTAGE = Sabotage(
    title="pessimist monitor",
    sentence="The monitor reports a violation of a cluster that is healthy.",
    breaks={
        "DEMO-05.1": "reports that all is passing",
        "DEMO-05.6": "reports that all is passing",
        "DEMO-04.1": "reports that all is passing",
        "DEMO-04.6": "reports that all is passing",
    },
    leaves=("DEMO-01.1", "DEMO-02.1"),
    profile=partial(
        monitor_saying, what="^Check complete: all passing", instead="Check complete: 1 violation(s) detected"
    ),
)
