"""A real run in which a secret is everywhere: in the environment, on the command line, in sentences and
names, in what processes print, in tickets, in the audit log and in what the model reads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CANARY = "canary-5d1f0c8be2a94763"
FEATURE = f"""
@ratelimiter
Feature: A secret is where it should not be
  The name of a counter is the key to the model: {CANARY}

  @DEMO-05.5
  Scenario: Counter {CANARY}
    Given a rate limiter stack in its steady state
    And the operator is watching, with no ticket open
    When counter "{CANARY}" is pushed 5 over its limit of 10
    Then the agent works the ticket to its end
    And its reasoning names counter "nobody" and that it is over its limit
"""


@pytest.fixture
def tree(tmp_path):
    """The suite with this feature in place of its own."""
    for name in ("environment.py", "pyproject.toml", "steps", "support", "systems"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "features").mkdir()
    (tmp_path / "features/requirements.toml").symlink_to(ROOT / "features/requirements.toml")
    (tmp_path / "features/secret.feature").write_text(FEATURE, encoding="utf-8")
    return tmp_path


def test_it_is_masked_everywhere_and_each_place_is_named(tree):
    run = subprocess.run(
        [sys.executable, "-m", "behave", "--tags", f"not @{CANARY}"],
        cwd=tree,
        env={**os.environ, "ANTHROPIC_API_KEY": CANARY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert run.returncode == 1, run.stdout
    reports = tree / "reports"
    files = [path for path in reports.rglob("*") if path.is_file()]
    assert {
        "index.html",
        "messages.ndjson",
        "history.sqlite",
        "tickets.db",
        "model.jsonl",
        "agent.stdout",
    } <= {path.name for path in files}
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
    assert [path for path in files if CANARY in str(path.relative_to(reports))] == []
    assert CANARY not in run.stdout
    report = json.loads((reports / "traceability.json").read_text(encoding="utf-8"))
    criteria = {c["id"]: c for r in report["requirements"] for c in r["criteria"]}
    (scenario,) = criteria["DEMO-05.5"]["scenarios"]
    assert scenario["status"] == "failed", run.stdout
    found = {secret.removeprefix("ANTHROPIC_API_KEY in ") for secret in scenario["secrets"]}
    assert found >= {
        "agent.stdout",
        "request to the model",
        "monitor.stdout",
        "the records, agent_log_entries",
        "the records, tickets",
        "the sentences and reasons",
        "the timeline, ticket.opened",
    }
    assert report["run"]["secrets"] == ["ANTHROPIC_API_KEY in the run itself"]
    messages = (reports / "messages.ndjson").read_text(encoding="utf-8").splitlines()
    assert any('"testCase"' in line for line in messages)
