"""A monitor that comes to nothing for seconds at a time."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import monitor_behind, until

SABOTAGE = Sabotage(
    title="slow monitor",
    sentence="The monitor hangs for seconds at a time, so that everything is noticed late.",
    breaks={
        "DEMO-05.2": "expected: within 5 seconds",
        "DEMO-04.2": "expected: within 5 seconds",
    },
    leaves=("DEMO-01.1",),
    scenario='A counter over its limit is noticed|store "tikv0" is killed: it is noticed, once',
    profile=lambda profile: monitor_behind(profile, *until(profile.output.healthy_check, "slow")),
)
