"""The way to a real model, shown with a second double in its place: consent, key, cost, record and replay."""

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import anyio
import pytest

from support.model import ModelDouble, on_call_engineer

ROOT = Path(__file__).parents[3]
KEY = "sk-ant-api03-the-key-of-the-person-at-the-terminal"
AUTONOMY = "@DEMO-05.11"

pytestmark = pytest.mark.anyio


@pytest.fixture
async def upstream() -> AsyncIterator[ModelDouble]:
    """What stands where the real model would be."""
    async with ModelDouble(on_call_engineer) as double:
        yield double


class Result:
    """What a run of the suite left behind."""

    def __init__(self, reports: Path, done: CompletedProcess[bytes]) -> None:
        self.reports = reports
        self.status = done.returncode
        self.output = done.stdout.decode()
        report = json.loads((reports / "traceability.json").read_text(encoding="utf-8"))
        criteria = [criterion for each in report["requirements"] for criterion in each["criteria"]]
        self.scenarios = [scenario for each in criteria for scenario in each["scenarios"]]

    @property
    def scenario(self) -> dict[str, Any]:
        (scenario,) = {each["location"]: each for each in self.scenarios}.values()
        return scenario


async def run(reports: Path, *arguments: str, tags: str = AUTONOMY, **environ: str) -> Result:
    """Run the suite with these settings, and with nothing of this process's own key."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    defines = [word for argument in arguments for word in ("-D", argument)]
    done = await anyio.run_process(
        [sys.executable, "-m", "behave", *defines, "-D", f"reports={reports}", "--tags", tags],
        cwd=ROOT,
        env={**kept, **environ},
        check=False,
    )
    return Result(reports, done)


@pytest.mark.parametrize(
    ("settings", "key", "missing"),
    [
        ([], "", "-D model=live"),
        (["model=live", "allow_host_shell=yes"], "", "set ANTHROPIC_API_KEY"),
        (["model=live"], KEY, "-D allow_host_shell=yes"),
        (["model=record"], KEY, "-D allow_host_shell=yes"),
        (["model=replay"], "", "make one with -D model=record"),
    ],
)
async def test_without_key_consent_or_recording_it_says_what_is_missing(
    tmp_path: Path, upstream: ModelDouble, settings: list[str], key: str, missing: str
) -> None:
    result = await run(
        tmp_path / "reports",
        *settings,
        f"recordings={tmp_path}/none",
        ANTHROPIC_API_KEY=key,
        ANTHROPIC_BASE_URL=upstream.url,
    )
    assert (result.scenario["status"], upstream.exchanges) == ("not verified", ())
    assert missing in result.scenario["reason"]


async def test_a_scenario_that_says_what_the_model_says_is_not_for_a_real_one(
    tmp_path: Path, upstream: ModelDouble
) -> None:
    result = await run(
        tmp_path / "reports",
        "model=live",
        "allow_host_shell=yes",
        tags="@DEMO-05.9",
        ANTHROPIC_API_KEY=KEY,
        ANTHROPIC_BASE_URL=upstream.url,
    )
    assert result.scenario["status"] == "not verified"
    assert "-D model=double" in result.scenario["reason"]


async def test_recorded_and_replayed_a_real_model_shows_the_same(
    tmp_path: Path, upstream: ModelDouble
) -> None:
    kept = f"recordings={tmp_path}/recordings"
    consent = "allow_host_shell=yes"
    recorded = await run(
        tmp_path / "recorded",
        "model=record",
        consent,
        kept,
        ANTHROPIC_API_KEY=KEY,
        ANTHROPIC_BASE_URL=upstream.url,
    )
    assert recorded.scenario["status"] == "passed", recorded.output
    assert recorded.scenario["substitutes"] == []
    assert recorded.scenario["measures"]["model_tokens_in"] > 0
    assert recorded.scenario["measures"]["model_us_dollars"] > 0
    (cost,) = recorded.reports.rglob("model-cost.json")
    assert json.loads(cost.read_text())["conversation-1"]["output_tokens"] > 0
    asked = len(upstream.exchanges)
    sent = [each.headers for each in upstream.exchanges]
    assert {len(headers["x-api-key"]) for headers in sent} == {len(KEY)}
    (recording,) = (tmp_path / "recordings").rglob("*.jsonl")
    assert KEY not in recording.read_text(encoding="utf-8")
    assert "127.0.0.1:{{port 1}}" in recording.read_text(encoding="utf-8")
    assert not [path for path in recorded.reports.rglob("*") if path.is_file() and KEY in _text(path)]

    replayed = await run(tmp_path / "replayed", "model=replay", kept, ANTHROPIC_BASE_URL=upstream.url)
    assert replayed.scenario["status"] == "passed", replayed.output
    assert replayed.scenario["substitutes"] == ["replayed model"]
    assert len(upstream.exchanges) == asked

    lines = recording.read_text(encoding="utf-8").splitlines()
    recording.write_text("\n".join(lines[:1]).replace("checkout", "kasse") + "\n", encoding="utf-8")
    unknown = await run(tmp_path / "unknown", "model=replay", kept)
    assert unknown.scenario["status"] == "broken", unknown.output
    assert "has no answer to request 1: it is unlike the one recorded in" in unknown.scenario["reason"]
    assert "Record it anew with -D model=record" in unknown.scenario["reason"]


async def test_the_budget_ends_a_run_and_says_so(tmp_path: Path, upstream: ModelDouble) -> None:
    result = await run(
        tmp_path / "reports",
        "model=live",
        "allow_host_shell=yes",
        "budget=0.001",
        ANTHROPIC_API_KEY=KEY,
        ANTHROPIC_BASE_URL=upstream.url,
    )
    assert 1 <= len(upstream.exchanges) < 4
    assert result.scenario["status"] == "not verified", result.output
    assert "the budget of US$ 0.001 for this run is spent" in result.scenario["reason"]


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")
