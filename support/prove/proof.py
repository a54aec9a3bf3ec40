"""`proof.json`: the matrix as a file beside the reports, which take the strength of each criterion from it.

    {"schema", "started", "seconds", "jobs", "processors", "operator", "commit", "code",
     "sabotages": [{"name", "title", "sentence", "seconds", "tries": [{"criterion", "must": "break"|"leave",
                    "outcome", "saw", "scenario", "seconds"}]}],
     "criteria": [{"id", "proven": true|false, "why": null|"no scenario names it"|…, "covered": true|false}]}

`outcome` is one of caught, missed, left green, wrongly red, not applicable, broken. `proof.schema.json`
beside this module describes all.
"""

import json
from dataclasses import asdict
from pathlib import Path

from support.prove.matrix import Matrix, Tried

__all__ = ["SCHEMA", "from_json", "to_json"]

SCHEMA = Path(__file__).with_name("proof.schema.json")
"""The JSON schema of the file."""

_ID: str = json.loads(SCHEMA.read_text(encoding="utf-8"))["$id"]
_PLAIN = ("started", "seconds", "jobs", "processors", "operator", "commit", "code")


def to_json(matrix: Matrix) -> str:
    """The file's content."""
    unproven = matrix.unproven()
    data = {
        "schema": _ID,
        **{name: getattr(matrix, name) for name in _PLAIN},
        "sabotages": [
            {
                "name": name,
                "title": title,
                "sentence": matrix.sentences[name],
                "seconds": matrix.took[name],
                "tries": [_without_name(each) for each in matrix.tried if each.sabotage == name],
            }
            for name, title in matrix.titles.items()
        ],
        "criteria": [
            {
                "id": criterion,
                "proven": criterion not in unproven,
                "why": unproven.get(criterion),
                "covered": criterion not in matrix.uncovered,
            }
            for criterion in matrix.criteria
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def from_json(content: str) -> Matrix:
    """The matrix as it was when `to_json` wrote it. Raises ValueError, KeyError or TypeError for others."""
    data = json.loads(content)
    return Matrix(
        tried=tuple(
            Tried(sabotage=sabotage["name"], **each)
            for sabotage in data["sabotages"]
            for each in sabotage["tries"]
        ),
        titles={sabotage["name"]: sabotage["title"] for sabotage in data["sabotages"]},
        sentences={sabotage["name"]: sabotage["sentence"] for sabotage in data["sabotages"]},
        took={sabotage["name"]: sabotage["seconds"] for sabotage in data["sabotages"]},
        criteria=tuple(criterion["id"] for criterion in data["criteria"]),
        uncovered=frozenset(c["id"] for c in data["criteria"] if not c["covered"]),
        **{name: data[name] for name in _PLAIN},
    )


def _without_name(tried: Tried) -> dict[str, object]:
    return {name: value for name, value in asdict(tried).items() if name != "sabotage"}
