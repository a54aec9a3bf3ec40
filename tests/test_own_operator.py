"""Somebody's own operator, by its profile: what it can do is verified, the rest is said to be not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WATCHMAN = ROOT / "systems/watchman/profile.toml"
MUST_MEET = ("DEMO-05.2", "DEMO-05.6", "DEMO-05.7")
NEED_AN_AGENT = ("DEMO-05.1", "DEMO-05.3", "DEMO-05.4", "DEMO-05.5")


def behave(operator, reports, tags, *options):
    run = subprocess.run(
        [
            *(sys.executable, "-m", "behave", "-D", f"operator={operator}", "-D", f"reports={reports}"),
            *("--tags", tags, *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report = json.loads((reports / "traceability.json").read_text(encoding="utf-8"))
    return run, {each["id"]: each for r in report["requirements"] for each in r["criteria"]}


def test_a_monitor_alone_meets_what_a_monitor_can_meet_and_the_rest_is_not_verified(tmp_path):
    run, criteria = behave(
        WATCHMAN, tmp_path, " or ".join(f"@{c}" for c in (*MUST_MEET, *NEED_AN_AGENT)), "--jobs", "2"
    )
    assert run.returncode == 0, run.stdout
    assert {c: criteria[c]["status"] for c in MUST_MEET} == dict.fromkeys(MUST_MEET, "passed")
    for criterion in NEED_AN_AGENT:
        assert criteria[criterion]["status"] == "not verified"
        reasons = {scenario["reason"] for scenario in criteria[criterion]["scenarios"]}
        assert reasons == {"the profile of watchman names no agent command (operator.agent)"}


@pytest.mark.parametrize(
    ("written", "instead", "criterion", "seen"),
    [
        ("on duty, a round every", "Monitor loop starting", "DEMO-05.2", "the monitor did not become ready"),
        ("round done, all quiet", "Check complete: all passing", "DEMO-05.6", "the monitor makes"),
        ("found (", "nothing like it (", "DEMO-05.2", "but: it did not happen"),
    ],
)
def test_what_it_prints_is_read_by_the_patterns_of_its_profile(tmp_path, written, instead, criterion, seen):
    profile = tmp_path / "profile.toml"
    text = WATCHMAN.read_text(encoding="utf-8")
    assert written in text
    text = text.replace(written, instead).replace('cwd = "../.."', f'cwd = "{ROOT}"')
    profile.write_text(text + "ready_within = 3\n", encoding="utf-8")
    run, criteria = behave(profile, tmp_path / "reports", f"@{criterion}", "--stop")
    assert run.returncode == 1, run.stdout
    assert criteria[criterion]["status"] == "failed"
    assert any(seen in (scenario["reason"] or "") for scenario in criteria[criterion]["scenarios"]), (
        run.stdout
    )
