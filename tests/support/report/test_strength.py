"""The strength of a criterion, from the proof beside the reports."""

import json
from dataclasses import replace

import jsonschema
import pytest

from support.prove.proof import to_json
from support.report.strength import PROOF, strengthened
from support.report.traceability import SCHEMA, from_json
from support.report.traceability import to_json as as_traceability
from tests.support.prove.conftest import matrix as matrix_fixture
from tests.support.prove.conftest import tried

matrix = matrix_fixture


@pytest.fixture
def proof(matrix):
    return replace(
        matrix,
        tried=(
            tried("blind", "DEMO-05.1", "caught"),
            tried("deaf", "DEMO-05.1", "missed"),
            tried("rich", "DEMO-05.2", "wrongly red"),
        ),
        criteria=("DEMO-05.1", "DEMO-05.2"),
    )


def strengths(result):
    return {c.id: c.strength for c in result.criteria if c.strength}


def test_it_is_beside_the_verdict_with_its_date_and_its_commit(result, proof, tmp_path):
    (tmp_path / PROOF).write_text(to_json(proof), encoding="utf-8")
    strong = strengths(strengthened(result, tmp_path))
    assert set(strong) == {"DEMO-05.1", "DEMO-05.2"}
    first, second = strong["DEMO-05.1"], strong["DEMO-05.2"]
    assert (first.caught, first.missed, first.why) == (("blind monitor",), ("deaf agent",), None)
    assert (first.proved, first.commit) == ("2026-01-01T00:00:00.000Z", "0123456789ab")
    assert (second.caught, second.wrongly_red) == ((), ("rich model",))
    assert second.why == "no sabotage that was tried breaks it"


def test_it_is_saved_and_loaded_with_the_result(result, proof, tmp_path):
    (tmp_path / PROOF).write_text(to_json(proof), encoding="utf-8")
    strong = strengthened(result, tmp_path)
    written = as_traceability(strong)
    jsonschema.validate(json.loads(written), json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert strengths(from_json(written)) == strengths(strong)


@pytest.mark.parametrize("content", [None, "", "[]", '{"criteria": [{}]}'])
def test_without_a_proof_that_can_be_read_there_is_none(result, tmp_path, content):
    if content is not None:
        (tmp_path / PROOF).write_text(content, encoding="utf-8")
    assert strengthened(result, tmp_path) == result
