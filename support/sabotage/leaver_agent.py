"""An agent that leaves a process of its own running when it ends."""

from dataclasses import replace

from support.profile import Profile
from support.sabotage.sabotage import Sabotage

_LEAVE_ONE = 'setsid sleep 300 >/dev/null 2>&1 & exec "$@"'
"""The child, in a session of its own, ends by itself after 300 s, should the suite fail to end it."""


def _leaving(profile: Profile) -> Profile:
    if profile.agent is None:
        return profile
    return replace(profile, agent=("sh", "-c", _LEAVE_ONE, "agent", *profile.agent))


SABOTAGE = Sabotage(
    title="leaving agent",
    sentence="The agent leaves a process of its own running when it ends.",
    breaks=("DEMO-07.4",),
    profile=_leaving,
)
