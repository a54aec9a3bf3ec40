"""Every sabotage says what it does, fits the code, and breaks criteria by scenarios that exist."""

import re
from functools import cache
from pathlib import Path

import pytest

from support.features import features_below
from support.profile import load_profile
from support.report.register import load_register
from support.sabotage.patches import TOOK_EFFECT, misfits
from support.sabotage.sabotage import load_sabotage, names
from support.sabotage.tampering import MARK

ROOT = Path(__file__).parents[3]
PROFILE = load_profile(ROOT / "systems/operator/profile.toml")


@cache
def scenarios():
    """Name and tags of every scenario."""
    features = features_below(ROOT / "features")
    return [(s.name, set(s.effective_tags)) for f in features for s in f.walk_scenarios()]


@pytest.mark.parametrize("name", names())
def test_it_breaks_criteria_of_the_register_by_scenarios_that_there_are(name):
    sabotage = load_sabotage(name)
    assert sabotage.breaks
    assert {*sabotage.breaks, *sabotage.leaves} <= load_register(ROOT / "features/requirements.toml").ids
    assert not set(sabotage.breaks) & set(sabotage.leaves)
    for criterion, words in sabotage.breaks.items():
        assert words.strip(), f"{criterion}: any failure would do"
        shown = [n for n, tags in scenarios() if criterion in tags and re.search(sabotage.scenario, n)]
        assert shown, f"no scenario of {criterion} is called {sabotage.scenario!r}"


@pytest.mark.parametrize("name", names())
def test_it_changes_something_and_says_when_it_acts(name):
    sabotage = load_sabotage(name)
    assert list(misfits(sabotage.patches, ROOT)) == []
    bad = sabotage.profile(PROFILE)
    words = " ".join([*bad.monitor, *(bad.agent or ()), *(bad.demo or ())])
    ways = [
        sabotage.script is not None,
        any(TOOK_EFFECT in patch.new for patch in sabotage.patches),
        bad != PROFILE and MARK in words,
    ]
    assert any(ways)
    assert bool(sabotage.patches) == ways[1]
    assert (bad != PROFILE) == ways[2]


def test_no_two_have_the_same_title():
    titles = [load_sabotage(name).title for name in names()]
    assert len(titles) == len(set(titles))
