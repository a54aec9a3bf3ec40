"""What a run needs to know before anything is started: settings, the operator's profile, the sabotage."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.config import Settings, load_settings
from support.profile import Profile, check_commands, load_profile
from support.sabotage.sabotage import Sabotage, check_fits, load_sabotage

BUILT_IN = Path("systems/operator/profile.toml")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What was asked for, read and checked."""

    settings: Settings
    profile: Profile
    sabotage: Sabotage | None


def prepare(config: Any, *, base: Path) -> Prepared:
    """Read and check what behave's configuration and the environment ask for.

    Raises SettingError, ProfileError or SabotageError.
    """
    defines = dict(config.userdata_defines or ())
    settings = load_settings(
        defines=defines,
        environ=os.environ,
        file={name: text for name, text in config.userdata.items() if name not in defines},
        base=base,
    )
    profile = load_profile(settings.operator or base / BUILT_IN)
    check_commands(profile)
    sabotage = load_sabotage(settings.sabotage) if settings.sabotage else None
    if sabotage is not None:
        check_fits(sabotage, base)
    return Prepared(settings=settings, profile=profile, sabotage=sabotage)
