"""A monitor that takes what it cannot see for health."""

from dataclasses import replace

from support.profile import Profile
from support.sabotage.sabotage import Sabotage

_SEE_NO_EVIL = '"$@" | sed -u "s/^Check \\(failed\\|incomplete\\).*/Check complete: all passing/"'


def _optimistic(profile: Profile) -> Profile:
    return replace(profile, monitor=("sh", "-c", _SEE_NO_EVIL, "monitor", *profile.monitor))


SABOTAGE = Sabotage(
    title="optimist monitor",
    sentence="The monitor reports that all is well when it cannot see the cluster.",
    breaks=("DEMO-05.7",),
    profile=_optimistic,
)
