"""A monitor that sees a healthy cluster whatever happens."""

from dataclasses import replace

from support.profile import Profile
from support.sabotage.sabotage import Sabotage

_PROGRAM = """
import sys, time
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
    breaks=("DEMO-04.2", "DEMO-05.2", "DEMO-05.5"),
    profile=_blind,
)
