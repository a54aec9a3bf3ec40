"""`index.html` is one file that shows the whole result and can do no harm."""

import json
import re
from dataclasses import replace
from pathlib import Path

from support.report.index_page import index_html
from support.report.model import RunResult
from support.report.page_data import page_data

_GOLDEN = Path(__file__).parent / "golden"


def _data(page: bytes):
    found = re.search(rb'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_its_data_are_as_the_golden_file(result) -> None:
    golden = json.loads((_GOLDEN / "page.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(page_data(result, _GOLDEN))) == golden


def test_the_data_in_the_page_are_those(result, tmp_path) -> None:
    assert _data(index_html(result, tmp_path)) == json.loads(json.dumps(page_data(result, tmp_path)))


def test_nothing_in_a_result_becomes_markup(result, tmp_path) -> None:
    evil = "</script><script>alert(1)</script><!--@@DATA@@ \udcff"
    wild = replace(result.unassigned[0], name=evil, reason=evil, status="failed")
    page = index_html(replace(result, unassigned=(wild,)), tmp_path)
    assert b"alert(1)</script>" not in page
    assert evil in [scenario["name"] for scenario in _data(page)["scenarios"]]


def test_it_asks_for_nothing_beyond_itself(result, tmp_path) -> None:
    page = index_html(result, tmp_path).decode()
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|img|iframe)[^>]*\ssrc=|@import|url\(", page)


def test_evidence_beyond_what_a_page_can_hold_is_linked(result: RunResult, tmp_path, monkeypatch) -> None:
    events = [json.dumps({"kind": "stack.steady", "at": n, "detail": {"n": n}}) for n in range(300)]
    scenarios = []
    for number in range(20):
        directory = tmp_path / f"evidence/f/{number}"
        directory.mkdir(parents=True)
        (directory / "timeline.ndjson").write_text("\n".join(events))
        status = "failed" if number == 19 else "passed"
        scenarios.append(
            replace(
                result.unassigned[0],
                location=f"features/f.feature:{number}",
                status=status,
                evidence=(f"evidence/f/{number}/timeline.ndjson",),
            )
        )
    monkeypatch.setattr("support.report.page_data._MOST", 100_000)
    data = page_data(replace(result, requirements=(), unassigned=tuple(scenarios)), tmp_path)
    assert len(json.dumps(data)) < 110_000
    assert 19 in data["exhibits"], "what failed comes first"
    assert 0 < len(data["exhibits"]) < 20
    assert data["scenarios"][5]["where"] == "evidence/f/5"
