"""The real features against deliberately bad operators: each must fail, in the right criterion, in words."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.sabotage.sabotage import load_sabotage, named, names

ROOT = Path(__file__).parents[1]

SEEN = {
    ("blind_monitor", "DEMO-05.2"): "expected: within 5 seconds\n  but: it did not happen",
    ("blind_monitor", "DEMO-05.5"): "but: there was no ticket",
    ("deaf_agent", "DEMO-07.1"): "expected: the agent ends after SIGTERM\n  but: it still ran after 3 s",
    ("dependent_agent", "DEMO-01.1"): "no such table: tickets",
    ("dependent_agent", "DEMO-01.2"): "the agent did not become ready",
    ("flusher_model", "DEMO-05.4"): "counter search was 3 and is gone",
    ("confused_agent", "AUDIT-01.1"): "in the order of what happened it is reasoning",
    ("glossing_agent", "AUDIT-01.3"): "the session: 'failed'\n  but: was 'resolved'",
    ("key_in_command_agent", "AUDIT-01.4"): "'a command'",
    ("key_in_database_agent", "AUDIT-01.4"): "'the database'",
    ("key_in_output_agent", "AUDIT-01.4"): "'agent.stdout'",
    ("leaver_agent", "DEMO-07.4"): "processes that the agent started: an empty collection\n  but: was <[",
    ("liar_model", "DEMO-05.4"): "in Redis: a value less than or equal to <10>\n  but: was <15>",
    ("liar_model", "DEMO-05.5"): "but: nothing changed the stack after the fault",
    ("liar_model", "DEMO-05.8"): "expected: exactly one ticket, escalated with a reason that names",
    ("node_remover_model", "DEMO-05.4"): "ratelimiter-1 is exited",
    ("optimist_monitor", "DEMO-05.7"): "expected: the monitor says that it cannot see",
    ("wrong_node_model", "DEMO-05.4"): "node ratelimiter-2 was running, pid",
    ("limit_raiser_model", "DEMO-05.4"): "limit of checkout was limit 10, window_ms 600000 and is limit 30",
    ("silent_agent", "AUDIT-01.2"): "was exchanged and is not on record",
    ("trusting_monitor", "DEMO-05.9"): "expected: a ticket for counter checkout is open again after 2 checks",
    ("losing_agent", "DEMO-07.2"): "but: ticket #1 for over_limit:checkout, diagnosed, ESCALATED",
    ("restless_agent", "DEMO-02.1"): "requests to the model: an empty collection\n  but: was <['POST",
    (
        "sharing_agent",
        "DEMO-07.3",
    ): "sessions on ticket #1, which the agent holds: an object with length of <1>",
}
"""What the report must say was seen."""


@pytest.mark.parametrize(("name", "criterion"), SEEN)
def test_a_bad_operator_is_noticed_in_the_right_criterion(name, criterion, tmp_path):
    run = subprocess.run(
        [
            *(sys.executable, "-m", "behave", "-D", f"sabotage={name}", "-D", f"reports={tmp_path}"),
            *("--stop", "--tags", f"@{criterion}"),  # one red scenario makes the criterion red
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 1, run.stdout
    report = json.loads((tmp_path / "traceability.json").read_text(encoding="utf-8"))
    criteria = {each["id"]: each for r in report["requirements"] for each in r["criteria"]}
    assert criteria[criterion]["status"] == "failed", run.stdout
    reasons = [scenario["reason"] or "" for scenario in criteria[criterion]["scenarios"]]
    assert any(SEEN[name, criterion] in reason for reason in reasons), reasons


def test_every_criterion_that_a_sabotage_breaks_is_expected_here_or_in_a_feature():
    broken = {(name, criterion) for name in names() for criterion in load_sabotage(name).breaks}
    assert set(SEEN) | set(shown_by_features()) == broken


def shown_by_features():
    for path in (ROOT / "features" / "suite").glob("*_bad_operators.feature"):
        rows = re.findall(r"^\s*\| +(\S.*?) +\| +(\S+-[0-9.]+) +\|", path.read_text("utf-8"), re.MULTILINE)
        yield from ((named(title), criterion) for title, criterion in rows)
