"""A monitor that sees a healthy cluster whatever happens."""

from dataclasses import replace

from support.profile import Profile
from support.sabotage.sabotage import Sabotage

_PROGRAM = """
import os, sys, time
open(os.environ["SABOTAGE_MARK"], "w").close()
print("Monitor loop starting", flush=True)
while True:
    print("Check complete: all passing", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def _blind(profile: Profile) -> Profile:
    return replace(profile, monitor=("{python}", "-c", _PROGRAM, "{interval}"))


SABOTAGE = Sabotage(
    title="blind monitor",
    sentence="The monitor reports that all is well without looking at the cluster.",
    breaks={
        "DEMO-05.2": "expected: within 5 seconds\n  but: it did not happen",
        "DEMO-05.5": "but: there was no ticket",
        "DEMO-04.2": "expected: within 5 seconds\n  but: it did not happen",
    },
    leaves=("DEMO-01.1", "DEMO-05.1"),
    scenario="noticed, once|The ticket is resolved by a repair that holds",
    profile=_blind,
)
