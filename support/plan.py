"""What a run is about: what was asked for, the register, the features, and the scenarios that are to run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behave.model import Feature, Scenario
from behave.runner_util import collect_feature_locations

from support.features import FeatureError, read_features
from support.machine import default_run
from support.preparation import Prepared, prepare
from support.report.assemble import Coverage
from support.report.register import Register, load_register
from support.selection import check_ids, expression_of, ids_of, select
from support.terminal import say

__all__ = ["Plan", "planned"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is about, known before anything is started."""

    prepared: Prepared
    register: Register
    features: list[Feature]
    selected: list[Scenario]
    coverage: Coverage


def planned(config: Any, locations: Sequence[Any], *, base: Path) -> Plan:
    """Read and check everything that the features at these locations are run with.

    Raises what is wrong with settings, profile, sabotage, register, features, selection or machine.
    """
    prepared = prepare(config, base=base)
    register = load_register(base / "features" / "requirements.toml")
    features = read_features(locations, language=config.lang)
    check_ids(features, expression_of(config), register)
    selected = select(features, config, register)
    coverage = _coverage(register, features, selected, base / "features", language=config.lang)
    if not config.dry_run:
        tags = {str(tag) for scenario in selected for tag in scenario.effective_tags}
        default_run.require(tags, prepared.settings)
    return Plan(prepared=prepared, register=register, features=features, selected=selected, coverage=coverage)


def _coverage(
    register: Register,
    features: Sequence[Feature],
    selected: Sequence[Scenario],
    root: Path,
    *,
    language: str | None,
) -> Coverage:
    """Count what is there and was not selected, in files that the run does not read as well."""
    read = {Path(feature.filename).resolve() for feature in features}
    there = list(features)
    for location in collect_feature_locations([str(root)]):
        if Path(location.filename).resolve() in read:
            continue
        try:
            there += read_features([location], language=language)
        except FeatureError as error:
            say(f"{location}: its criteria are not counted: {error}\n", sys.stderr)
    wanted = {id(scenario) for scenario in selected}
    others = [
        scenario for feature in there for scenario in feature.walk_scenarios() if id(scenario) not in wanted
    ]
    return Coverage.of(
        ((str(scenario.location), ids_of(scenario, register)) for scenario in others),
        slow=(str(scenario.location) for scenario in others if "slow" in scenario.effective_tags),
    )
