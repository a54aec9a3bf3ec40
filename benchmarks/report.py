"""What a report of a very long run costs: 10,000 scenarios with 50,000 sentences, every form of it.

    uv run python benchmarks/report.py

Prints the seconds each form takes, the size of the page and, where Chromium is installed, the seconds until
the page is there and until a filter has been applied.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from support.report.assemble import Coverage, assemble
from support.report.history import remember
from support.report.index_page import index_html
from support.report.junit import junit_files
from support.report.messages import messages_ndjson
from support.report.model import RunInfo, RunResult, ScenarioResult, StepResult
from support.report.register import Criterion, Register, Requirement
from support.report.summary import summary_md
from support.report.traceability import to_json
from support.report.write import write_reports

_FEATURES, _SCENARIOS, _SENTENCES = 100, 100, 5
_REQUIREMENTS, _CRITERIA = 50, 10
_KEYWORDS = ("Given", "When", "Then", "And", "And")
_LINES = _SENTENCES + 2  # of a scenario, with its tag
_FIND = "node 7 of stack 42"


def _register() -> Register:
    return Register(
        requirements=tuple(
            Requirement(
                id=f"LOAD-{number:02}",
                title=f"Requirement number {number}",
                statement="What must be true when the system is in use by many at once.",
                source="a plan",
                criteria=tuple(
                    Criterion(id=f"LOAD-{number:02}.{n}", text="What is claimed is checked from the outside.")
                    for n in range(1, _CRITERIA + 1)
                ),
            )
            for number in range(_REQUIREMENTS)
        )
    )


def _sentences(feature: int, number: int) -> list[str]:
    return [
        f"node {n} of stack {feature} is seen to do what scenario {number} says" for n in range(_SENTENCES)
    ]


def _scenario(feature: int, number: int) -> ScenarioResult:
    criterion = f"LOAD-{number % _REQUIREMENTS:02}.{feature % _CRITERIA + 1}"
    failed = (feature, number) in ((3, 3), (42, 42))
    steps = tuple(
        StepResult(
            keyword=_KEYWORDS[n],
            text=text,
            status="failed" if failed and n == 2 else "passed",
            seconds=0.25,
            error="expected: so\n  but: it was not" if failed and n == 2 else None,
            ended=0.25 * (n + 1),
        )
        for n, text in enumerate(_sentences(feature, number))
    )
    directory = f"evidence/feature-{feature}/{number}-a-scenario-that-has-a-name-of-common-length"
    names = ("agent.stdout", "agent.stderr", "model.jsonl", "monitor.stdout", "tickets.db", "timeline.ndjson")
    return ScenarioResult(
        name=f"A scenario that has a name of common length, number {number}",
        feature=f"Feature number {feature}",
        location=f"features/f{feature}.feature:{3 + number * _LINES}",
        ids=(criterion.partition(".")[0], criterion),
        status="failed" if failed else "passed",
        reason="expected: so\n  but: it was not" if failed else None,
        seconds=1.25,
        measures={"time_to_detect": 0.2, "time_to_repair": 0.9},
        evidence=tuple(f"{directory}/{name}" for name in names),
        substitutes=("model double",),
        spent={"harness": 0.1, "stack": 0.2, "waiting": 0.95},
        steps=steps,
        tags=("ratelimiter",),
        began=(feature * _SCENARIOS + number) * 10**9,
    )


def _write_features(root: Path) -> None:
    (root / "features").mkdir()
    for feature in range(_FEATURES):
        lines = [f"Feature: Feature number {feature}"]
        for number in range(_SCENARIOS):
            lines += [f"  @tag{number}", f"  Scenario: A scenario, number {number}"]
            told = zip(_KEYWORDS, _sentences(feature, number), strict=True)
            lines += [f"    {keyword} {text}" for keyword, text in told]
        (root / f"features/f{feature}.feature").write_text("\n".join(lines), encoding="utf-8")


def _timed(name: str, function: Callable[[], object]) -> None:
    started = time.perf_counter()
    function()
    print(f"{name:<24} {time.perf_counter() - started:6.2f} s")


def _main() -> None:
    run = RunInfo(
        started="2025-03-01T12:00:00Z",
        seconds=12_500.0,
        command=("behave",),
        stack="process",
        model="double",
        operator="built-in",
        versions={"python": "3.11"},
        spent={"harness": 1000.0, "stack": 2000.0, "waiting": 9500.0},
    )
    scenarios = [_scenario(f, n) for f in range(_FEATURES) for n in range(_SCENARIOS)]
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        _write_features(root)
        results: list[RunResult] = []
        _timed("assemble", lambda: results.append(assemble(run, _register(), scenarios, Coverage({}))))
        (result,) = results
        _timed("history.sqlite", lambda: remember(result, root))
        _timed("traceability.json", lambda: to_json(result))
        _timed("junit/", lambda: junit_files(result))
        _timed("summary.md", lambda: summary_md(result))
        _timed("messages.ndjson", lambda: messages_ndjson(result, root))
        _timed("index.html", lambda: index_html(result, root))
        _timed("all of it, written", lambda: write_reports(replace(result), root, root=root))
        page = root / "index.html"
        print(f"{'the page':<24} {page.stat().st_size / 1e6:6.2f} MB")
        _in_chromium(page)


def _in_chromium(page: Path) -> None:
    """Let the page measure itself: from the start of loading until it is laid out, and a filter likewise."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no Chromium here: apt-get install chromium")
        return
    probe = (
        "<script>{document.body.getBoundingClientRect();"
        "const opened=performance.now(),field=document.getElementById('find');"
        f"field.value={json.dumps(_FIND)};field.dispatchEvent(new Event('input'));"
        "document.body.getBoundingClientRect();"
        "const found=document.getElementById('found').textContent;"
        "document.title=`PROBE ${Math.round(opened)} ${Math.round(performance.now()-opened)} ${found}`;"
        "}</script></body>"
    )
    text = page.read_text(encoding="utf-8")
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    probed = page.with_name("probed.html")
    probed.write_text(policy.sub("", text, count=1).replace("</body>", probe), encoding="utf-8")
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom")
    dom = subprocess.run(
        [chromium, *options, f"--user-data-dir={page.parent / 'profile'}", probed.as_uri()],
        env={**os.environ, "TMPDIR": str(page.parent)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    found = re.search(r"<title>PROBE (\d+) (\d+) (.*?)</title>", dom)
    if found is None:
        print("Chromium did not answer")
        return
    print(f"{'opened in Chromium':<24} {int(found[1]) / 1000:6.2f} s")
    print(f"{'filtered':<24} {int(found[2]) / 1000:6.2f} s  ({found[3]})")


if __name__ == "__main__":
    _main()
