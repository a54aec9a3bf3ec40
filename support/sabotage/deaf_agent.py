"""An agent that does not hear that it is to stop."""

from dataclasses import replace

from support.profile import Profile
from support.sabotage.sabotage import Sabotage

_HEAR_NOTHING = 'trap "" TERM INT; "$@" & wait'
"""The process that is told to stop passes nothing on."""


def _deaf(profile: Profile) -> Profile:
    if profile.agent is None:
        return profile
    return replace(profile, agent=("sh", "-c", _HEAR_NOTHING, "agent", *profile.agent))


SABOTAGE = Sabotage(
    title="deaf agent",
    sentence="The agent goes on when it is told to stop.",
    breaks=("DEMO-07.1",),
    profile=_deaf,
)
