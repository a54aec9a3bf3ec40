"""The scenario that stands for a criterion where a sabotage must leave it green: the first, in a stack of
processes, at the usual times."""

from collections.abc import Mapping
from pathlib import Path

from support.features import features_below
from support.report.register import Register
from support.selection import ids_of

__all__ = ["controls"]

_SPECIAL = frozenset({"docker", "slow"})


def controls(features: Path, register: Register) -> Mapping[str, str]:
    """By criterion, `path:line` of its scenario in the directory `features`. Raises FeatureError.

    A criterion that has no such scenario is not in it.
    """
    found: dict[str, str] = {}
    for feature in features_below(features):
        for scenario in feature.walk_scenarios():
            if not _SPECIAL & set(scenario.effective_tags):
                for id_ in ids_of(scenario, register):
                    found.setdefault(id_, str(scenario.location))
    return found
