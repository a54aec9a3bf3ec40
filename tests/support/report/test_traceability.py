"""`traceability.json` keeps its shape and loses nothing."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from support.report.merge import merge
from support.report.model import Changed, Past
from support.report.traceability import SCHEMA, from_json, to_json

_GOLDEN = Path(__file__).parent / "golden" / "traceability.json"


def test_it_is_written_as_the_golden_file(result) -> None:
    assert json.loads(to_json(result)) == json.loads(_GOLDEN.read_text(encoding="utf-8"))


def test_it_has_a_line_for_each_requirement(result) -> None:
    lines = to_json(result).decode().splitlines()
    starts = [line[:16] for line in lines if line.startswith('{"id"')]
    assert starts == ['{"id": "DEMO-05"', '{"id": "DEMO-06"', '{"id": "AUDIT-01', '{"id": "TEST-01"']


def test_what_is_written_is_loaded_as_it_was(result) -> None:
    assert from_json(to_json(result)) == result


def test_it_is_as_its_schema_says(result) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(to_json(merge([result, result]))), schema)
    with_history = replace(
        result.criteria[0],
        past=(Past(started="2025-02-28T12:00:00Z", status="passed", on="process"),),
        changed=Changed(text="It was.", verified="2025-02-28T12:00:00Z"),
    )
    first = replace(result.requirements[0], criteria=(with_history,))
    written = to_json(replace(result, requirements=(first,)))
    jsonschema.validate(json.loads(written), schema)
    assert from_json(written).criteria == (with_history,)


def test_the_schema_refuses_what_is_not_a_verdict(result) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    data = json.loads(to_json(result))
    data["requirements"][0]["criteria"][0]["status"] = "fine"
    with pytest.raises(jsonschema.ValidationError, match="fine"):
        jsonschema.validate(data, schema)


def test_every_status_is_one_of_the_words(result) -> None:
    words = {"passed", "failed", "broken", "not verified", "not covered"}
    assert {s.status for s in result.scenarios} <= words
    assert {c.status for r in result.requirements for c in r.criteria} == words
    assert {r.status for r in result.requirements} <= words | {"partly verified"}
