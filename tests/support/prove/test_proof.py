"""`proof.json` and `proof.md`."""

import json

import jsonschema

from support.prove.proof import SCHEMA, from_json, to_json
from support.prove.rendering import closing_lines, proof_md, try_lines


def test_it_is_as_its_schema_says_and_is_read_again(matrix):
    written = to_json(matrix)
    jsonschema.validate(json.loads(written), json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert from_json(written) == matrix


def test_people_can_read_it(matrix):
    text = proof_md(matrix)
    assert "1 of 5 criteria proven" in text
    assert "| DEMO-01.1 | blind monitor | deaf agent (wrongly red), rich model (broken) |" in text
    assert "*unproven: no scenario names it*" in text
    assert "It does not hear. Tried within 2.5 s." in text
    assert "- **missed** DEMO-01.2, 2.0 s: green, though the sabotage was at work" in text


def test_the_terminal_tells_what_is_caught_what_is_unproven_and_what_to_look_at(matrix):
    text = "\n".join(closing_lines(matrix, shown="reports/proof.json"))
    assert "DEMO-01.1   1 caught: blind monitor" in text
    assert "DEMO-03.1: no scenario names it" in text
    assert "1 caught, 1 missed, 1 left green, 1 wrongly red, 1 not applicable, 1 broken" in text
    assert "✗ red: 1 missed, 1 wrongly red, 1 broken" in text
    assert "medians: one proof 2.0 s, one sabotage 3.0 s" in text


def test_a_try_is_a_line_and_what_is_to_be_looked_at_is_there(matrix):
    caught, _, missed, *_ = matrix.tried
    assert list(try_lines(caught, "blind monitor")) == [
        "✓ caught           2.00 s  DEMO-01.1   blind monitor"
    ]
    assert list(try_lines(missed, "deaf agent"))[1:] == [
        "        features/a.feature:3",
        "        green, though the sabotage was at work",
    ]
