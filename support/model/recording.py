"""Answers of a real model, kept in a file for each scenario: a line of JSON for each request and its answer.

Nothing of the headers is kept. Secrets are masked, and what differs from run to run is taken out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.evidence.redaction import Redactor
from support.model.places import Places


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One request in its normal form and the answer it got: HTTP status and JSON body."""

    request: Any
    status: int
    response: Any


def recording_of(recordings: Path, evidence: Path) -> Path:
    """Where the answers are kept for the scenario whose evidence goes to `evidence`.

    The line of the scenario is no part of the name: it changes with every sentence above it.
    """
    return recordings / evidence.parent.name / (re.sub(r"^\d+-", "", evidence.name) + ".jsonl")


class Recorder:
    """Writes the recording of one scenario anew."""

    def __init__(self, path: Path, places: Places, redactor: Redactor) -> None:
        self.path = path
        self._places = places
        self._redactor = redactor
        self._lines: list[str] = []

    def add(self, request: Mapping[str, Any], status: int, response: Mapping[str, Any]) -> None:
        """Keep one exchange; the whole recording so far is on disk when this returns."""
        kept = {
            "request": self._places.normal(request),
            "status": status,
            "response": self._places.hidden(response),
        }
        line = json.dumps(kept, ensure_ascii=False)
        self._lines.append(self._redactor.text(line, "recording"))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(".new")
        written.write_text("".join(f"{each}\n" for each in self._lines), encoding="utf-8")
        written.replace(self.path)


def read_recording(path: Path) -> list[Recorded]:
    """The exchanges of a recording. Raises OSError, or ValueError when the file is none."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [Recorded(**line) for line in lines]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is no recording: {error}") from error


def first_difference(one: Any, other: Any, where: str = "request") -> str | None:
    """Where two JSON values differ first, in words; None when they do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs: Iterator[tuple[str, Any, Any]] = (
            (f"{where}.{name}", one.get(name), other.get(name)) for name in sorted({*one, *other})
        )
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = ((f"{where}[{at}]", a, b) for at, (a, b) in enumerate(zip(one, other, strict=True)))
    elif one == other:
        return None
    else:
        at = next((i for i, (a, b) in enumerate(zip(str(one), str(other), strict=False)) if a != b), 0)
        begin = max(0, at - 40)
        return f"{where}: {str(one)[begin : at + 80]!r} where it was {str(other)[begin : at + 80]!r}"
    return next((found for name, a, b in pairs if (found := first_difference(a, b, name))), None)
