"""JUnit XML: one test suite per feature, for build servers.

A failed scenario is a failure, a broken bed an error, and what was not verified is skipped with its
reason. Problems of the run itself are a suite of their own, so that a server that reads nothing but
these files sees red.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import PurePath
from xml.etree import ElementTree as ET

from support.report.model import RunResult, ScenarioResult, verdict_text

__all__ = ["junit_files"]

# What XML 1.0 cannot hold, not even as a character reference (https://www.w3.org/TR/xml/#charsets).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_THE_RUN = "the run itself"


def junit_files(result: RunResult) -> dict[str, bytes]:
    """The files by name, each a whole XML document in UTF-8."""
    files = {
        f"TEST-{_dotted(path)}.xml": _document(list(scenarios), result.run.started)
        for path, scenarios in groupby(result.scenarios, key=lambda s: s.path)
    }
    problems = list(result.run.problems)
    if result.run.interrupted:
        problems.insert(0, f"the run was interrupted by {result.run.interrupted}")
    if problems:
        files["TEST-the-run.xml"] = _problems(problems, result.run.started)
    return files


def _dotted(path: str) -> str:
    """features/operator/over_limit.feature -> operator.over_limit"""
    parts = [part for part in PurePath(path).with_suffix("").parts if part not in ("/", "..")]
    return ".".join(parts[1:] if parts[0] == "features" and len(parts) > 1 else parts)


def _document(scenarios: Sequence[ScenarioResult], started: str) -> bytes:
    suite = _suite(scenarios[0].feature, len(scenarios), started)
    suite.set("file", scenarios[0].path)
    suite.set("time", f"{sum(s.seconds for s in scenarios):.3f}")
    for attribute, status in (
        ("failures", "failed"),
        ("errors", "broken"),
        ("skipped", "not verified"),
    ):
        suite.set(attribute, str(sum(s.status == status for s in scenarios)))
    suite.extend(_case(scenario) for scenario in scenarios)
    return _xml(suite)


def _case(scenario: ScenarioResult) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=_clean(scenario.feature),
        name=_clean(scenario.name),
        file=scenario.path,
        line=str(scenario.line),
        time=f"{scenario.seconds:.3f}",
    )
    reason = _clean(scenario.reason or "")
    if scenario.status == "failed":
        _add_error(case, "failure", scenario, reason)
    elif scenario.status == "broken":
        _add_error(case, "error", scenario, reason).set("type", "broken bed")
    elif scenario.status == "not verified":
        ET.SubElement(case, "skipped", message=reason)
    ET.SubElement(case, "system-out").text = _clean(_story(scenario))
    return case


def _add_error(case: ET.Element, kind: str, scenario: ScenarioResult, reason: str) -> ET.Element:
    """A server's overview shows the message alone, so it names the sentence and the first line."""
    step = scenario.failing_step
    sentence = f"{_clean(step.sentence)}: " if step else ""
    error = ET.SubElement(case, kind, message=f"{sentence}{reason.partition(chr(10))[0]}")
    error.text = f"{sentence}\n{reason}" if step else reason
    return error


def _story(scenario: ScenarioResult) -> str:
    """The sentences with their verdicts, and where the evidence is."""
    lines = [f"{verdict_text(scenario.status, scenario.substitutes)}  {scenario.location}"]
    lines += [f"{step.status:>12}  {step.seconds:.3f} s  {step.sentence}" for step in scenario.steps]
    lines += [f"    evidence  {path}" for path in scenario.evidence]
    return "\n" + "\n".join(lines) + "\n"


def _problems(problems: Sequence[str], started: str) -> bytes:
    suite = _suite(_THE_RUN, len(problems), started)
    for attribute, value in (("failures", "0"), ("errors", str(len(problems))), ("skipped", "0")):
        suite.set(attribute, value)
    for problem in problems:
        name = _clean(problem.partition("\n")[0])
        case = ET.SubElement(suite, "testcase", classname=_THE_RUN, name=name, time="0.000")
        ET.SubElement(case, "error", message=name, type="run").text = _clean(problem)
    return _xml(suite)


def _suite(name: str, tests: int, started: str) -> ET.Element:
    return ET.Element("testsuite", name=_clean(name), tests=str(tests), timestamp=started)


def _xml(suite: ET.Element) -> bytes:
    ET.indent(suite)
    body: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _clean(text: str) -> str:
    return _NOT_XML.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
