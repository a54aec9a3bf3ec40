"""`messages.ndjson`: the result as Cucumber Messages, which other people's reporting tools read.

The features are parsed anew, by Cucumber's own parser. A broken bed is a failed step there with its reason,
what is not verified is skipped. See https://github.com/cucumber/messages.
"""

import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

from gherkin.ast_builder import AstBuilder
from gherkin.errors import ParserError
from gherkin.parser import Parser
from gherkin.pickles.compiler import Compiler
from gherkin.stream.id_generator import IdGenerator

from support.evidence.redaction import Redactor
from support.report.gate import gate
from support.report.model import RunInfo, RunResult, ScenarioResult, StepStatus, verdict_text

__all__ = ["messages_ndjson"]

_PROTOCOL = "34.2.0"
_STATUS: Mapping[StepStatus, str] = {
    "passed": "PASSED",
    "failed": "FAILED",
    "broken": "FAILED",
    "not verified": "SKIPPED",
    "not run": "SKIPPED",
}
_RUN = "run"

Envelope = dict[str, Any]


def messages_ndjson(result: RunResult, root: Path, *, redactor: Redactor | None = None) -> bytes:
    """The file's content, in UTF-8: an envelope a line. Locations count from `root`.

    A scenario whose feature is not there, or reads differently now, is left out, and the end of the run
    says how many were. `redactor` masks the features, whose text is in there, too.
    """
    encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
    text = "".join(f"{encode(envelope)}\n" for envelope in _envelopes(result, root, redactor))
    return text.encode("utf-8", "backslashreplace")


def _envelopes(result: RunResult, root: Path, redactor: Redactor | None) -> Iterator[Envelope]:
    scenarios = result.scenarios
    yield {"meta": _meta(result.run)}
    pickles: dict[tuple[str, int], Any] = {}
    ids = IdGenerator()
    for path in dict.fromkeys(scenario.path for scenario in scenarios):
        yield from _feature(path, _source(root / path, redactor), ids, pickles)
    clock = _Clock.of(result.run, scenarios)
    yield {"testRunStarted": {"id": _RUN, "timestamp": _parts(clock.start)}}
    left_out = 0
    numbers = count()
    for scenario in scenarios:
        pickle = pickles.get((scenario.path, scenario.line))
        if pickle is None or [s["text"] for s in pickle["steps"]] != [s.text for s in scenario.steps]:
            left_out += 1
            continue
        yield from _case(f"case-{next(numbers)}", scenario, pickle, clock)
    passage = gate(result)
    said = f"{passage.why}; {left_out} scenarios left out" if left_out else passage.why
    yield {
        "testRunFinished": {
            "success": not passage.red,
            "message": said,
            "timestamp": _parts(clock.start + result.run.seconds),
            "testRunStartedId": _RUN,
        }
    }


def _meta(run: RunInfo) -> Mapping[str, Any]:
    implementation = {"name": "operator-acceptance", "version": metadata.version("operator-acceptance")}
    return {
        "protocolVersion": _PROTOCOL,
        "implementation": implementation,
        "runtime": {"name": platform.python_implementation(), "version": run.versions.get("python", "")},
        "os": {"name": platform.system(), "version": run.versions.get("system", "")},
        "cpu": {"name": platform.machine()},
    }


def _source(path: Path, redactor: Redactor | None) -> str | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return redactor.text(text, f"the feature {path.name}") if redactor else text


def _feature(
    path: str, text: str | None, ids: IdGenerator, pickles: dict[tuple[str, int], Any]
) -> Iterator[Envelope]:
    """The source, the document and the pickles of a feature; notes the latter by path and line."""
    if text is None:
        return
    try:
        document: Any = {**Parser(AstBuilder(ids)).parse(text), "uri": path}
    except ParserError:
        return
    yield {"source": {"uri": path, "data": text, "mediaType": "text/x.cucumber.gherkin+plain"}}
    yield {"gherkinDocument": document}
    for pickle in Compiler(ids).compile(document):
        yield {"pickle": pickle}
        pickles[path, pickle["location"]["line"]] = pickle


@dataclass(frozen=True)
class _Clock:
    """When things happened, in seconds since the epoch: the run's start is known, and all else since."""

    start: float
    first: int

    @classmethod
    def of(cls, run: RunInfo, scenarios: Iterable[ScenarioResult]) -> "_Clock":
        began = [scenario.began for scenario in scenarios if scenario.began]
        return cls(start=datetime.fromisoformat(run.started).timestamp(), first=min(began, default=0))

    def of_scenario(self, scenario: ScenarioResult) -> float:
        return self.start + max(0, scenario.began - self.first) / 1e9


def _case(case: str, scenario: ScenarioResult, pickle: Any, clock: _Clock) -> Iterator[Envelope]:
    now = clock.of_scenario(scenario)
    started = f"{case}-started"
    steps = [f"{case}-{number}" for number, _ in enumerate(scenario.steps)]
    yield {
        "testCase": {
            "id": case,
            "pickleId": pickle["id"],
            "testSteps": [
                {"id": id_, "pickleStepId": step["id"]}
                for id_, step in zip(steps, pickle["steps"], strict=True)
            ],
            "testRunStartedId": _RUN,
        }
    }
    yield {"testCaseStarted": {"id": started, "testCaseId": case, "attempt": 0, "timestamp": _parts(now)}}
    if scenario.status != "passed":
        yield {"attachment": _said(started, scenario)}
    spent = 0.0
    for id_, step in zip(steps, scenario.steps, strict=True):
        which = {"testCaseStartedId": started, "testStepId": id_}
        yield {"testStepStarted": {**which, "timestamp": _parts(now + spent)}}
        spent += step.seconds
        outcome: dict[str, Any] = {"duration": _parts(step.seconds), "status": _STATUS[step.status]}
        if step.error:
            outcome["message"] = step.error
        yield {"testStepFinished": {**which, "testStepResult": outcome, "timestamp": _parts(now + spent)}}
    yield {
        "testCaseFinished": {
            "testCaseStartedId": started,
            "timestamp": _parts(now + max(spent, scenario.seconds)),
            "willBeRetried": False,
        }
    }


def _said(started: str, scenario: ScenarioResult) -> Mapping[str, Any]:
    """The verdict in our words: Cucumber has none for a broken bed."""
    verdict = verdict_text(scenario.status, scenario.substitutes)
    return {
        "testCaseStartedId": started,
        "body": f"{verdict}: {scenario.reason or 'no reason is given'}",
        "contentEncoding": "IDENTITY",
        "mediaType": "text/x.cucumber.log+plain",
    }


def _parts(seconds: float) -> Mapping[str, int]:
    whole = int(seconds)
    return {"seconds": whole, "nanos": int((seconds - whole) * 1e9)}
