"""`traceability.json` keeps its shape and loses nothing."""

import json
from pathlib import Path

from support.report.traceability import from_json, to_json

_GOLDEN = Path(__file__).parent / "golden" / "traceability.json"


def test_it_is_written_as_the_golden_file(result) -> None:
    assert json.loads(to_json(result)) == json.loads(_GOLDEN.read_text(encoding="utf-8"))


def test_it_has_a_line_for_each_requirement(result) -> None:
    lines = to_json(result).decode().splitlines()
    starts = [line[:16] for line in lines if line.startswith('{"id"')]
    assert starts == ['{"id": "DEMO-05"', '{"id": "DEMO-06"', '{"id": "AUDIT-01', '{"id": "TEST-01"']


def test_what_is_written_is_loaded_as_it_was(result) -> None:
    assert from_json(to_json(result)) == result


def test_every_status_is_one_of_the_words(result) -> None:
    words = {"passed", "failed", "broken", "not verified", "not covered"}
    assert {s.status for s in result.scenarios} <= words
    assert {c.status for r in result.requirements for c in r.criteria} == words
    assert {r.status for r in result.requirements} <= words | {"partly verified"}
