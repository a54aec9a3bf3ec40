"""What the person at the terminal reads: a line per scenario as it ends, and the closing summary."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from os.path import commonpath
from pathlib import Path

from support.report.gate import gate
from support.report.model import (
    RequirementResult,
    RequirementVerdict,
    RunInfo,
    RunResult,
    ScenarioResult,
    substitutes_of,
    verdict_text,
)

__all__ = ["Style", "scenario_lines", "summary_lines"]

_MARGIN = " " * 8
_LISTED = 20
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKS: Mapping[RequirementVerdict, str] = {
    "passed": "✓",
    "failed": "✗",
    "broken": "!",
    "not verified": "-",
    "partly verified": "~",
    "not covered": " ",
}
_COLOURS: Mapping[RequirementVerdict, str] = {
    "passed": "32",
    "failed": "31;1",
    "broken": "35;1",
    "not verified": "33",
    "partly verified": "33",
    "not covered": "2",
}


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a stream shows a verdict: with colours only on a terminal, with marks that it can encode."""

    colour: bool = False
    encoding: str = "utf-8"

    def verdict(self, status: RequirementVerdict, text: str) -> str:
        """`text` in the colour of the verdict, after its mark."""
        mark = _MARKS[status]
        try:
            mark.encode(self.encoding)
        except UnicodeEncodeError:
            mark = {"✓": "+", "✗": "x"}[mark]
        shown = f"{mark} {text}"
        return f"\x1b[{_COLOURS[status]}m{shown}\x1b[0m" if self.colour else shown

    def text(self, text: str) -> str:
        """Somebody else's text with what the stream cannot encode, or a terminal obeys, as escapes."""
        harmless = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
        return harmless.encode(self.encoding, "backslashreplace").decode(self.encoding)

    def block(self, text: str, margin: str) -> list[str]:
        """The lines of a text, indented."""
        return textwrap.indent(self.text(text), margin).splitlines()


def scenario_lines(scenario: ScenarioResult, *, style: Style, reports: Path) -> Iterator[str]:
    """One line for a scenario; under it, if it did not pass, why, and where the evidence is."""
    verdict = style.verdict(scenario.status, f"{scenario.status:<12}")
    yield f"  {verdict} {scenario.seconds:7.2f} s  {style.text(scenario.name)}"
    if scenario.status == "passed":
        return
    if scenario.status == "not verified":
        yield from style.block(scenario.reason or "", _MARGIN)
        return
    if scenario.failing_step is not None:
        yield style.text(f"{_MARGIN}{scenario.failing_step.sentence}")
    yield from style.block(scenario.reason or "", _MARGIN + "  ")
    if scenario.evidence:
        yield style.text(f"{_MARGIN}evidence: {reports / commonpath(scenario.evidence)}")


def summary_lines(result: RunResult, *, style: Style, reports: Path) -> Iterator[str]:
    """The closing summary: what to look at, the requirements, the scenarios, the time, the report."""
    yield ""
    yield from _to_look_at(result, style)
    yield from _requirements(result, style)
    yield f"Scenarios  {_scenarios(result)}"
    yield f"Time       {_time(result.run)}"
    passage = gate(result)
    yield f"Gate       {style.verdict('failed' if passage.red else 'passed', passage.why)}"
    yield style.text(f"Report     {reports / 'index.html'}")


def _time(run: RunInfo) -> str:
    spent = " + ".join(f"{name} {seconds:.1f} s" for name, seconds in run.spent.items())
    together = sum(run.spent.values())
    side_by_side = f", side by side {together:.1f} s" if together > 1.01 * run.seconds else ""
    return f"{run.seconds:.1f} s{side_by_side} = {spent}"


def _to_look_at(result: RunResult, style: Style) -> Iterator[str]:
    if result.run.interrupted:
        yield f"Interrupted by {result.run.interrupted}: what was not run is not verified."
        yield ""
    for problem in result.run.problems:
        yield "Problem of the run itself"
        yield from style.block(problem, "  ")
        yield ""
    failed = [s for s in result.scenarios if s.status == "failed"]
    if failed:
        yield "Failed"
        yield from _listed(failed, style)
        yield ""
    broken = [s for s in result.scenarios if s.status == "broken"]
    if broken:
        yield "Broken bed"
        for reason, alike in groupby(broken, key=lambda s: (s.reason or "").partition("\n")[0]):
            yield from _listed(list(alike), style)
            yield from style.block(reason, _MARGIN)
        yield ""


def _listed(scenarios: Sequence[ScenarioResult], style: Style) -> Iterator[str]:
    """The scenarios as what to type to run them again."""
    yield from (style.text(f"  behave {s.location}  {s.name}") for s in scenarios[:_LISTED])
    if len(scenarios) > _LISTED:
        yield f"  and {len(scenarios) - _LISTED} more"


def _requirements(result: RunResult, style: Style) -> Iterator[str]:
    """A line for each requirement that a scenario names; the others share one."""
    yield "Requirements"
    named = [r for r in result.requirements if r.status != "not covered"]
    verdicts = {r.id: verdict_text(r.status, substitutes_of(r.all_scenarios)) for r in named}
    width = max(map(len, verdicts.values()), default=0)
    for requirement in named:
        verdict = style.verdict(requirement.status, f"{verdicts[requirement.id]:<{width}}")
        yield f"  {requirement.id:<8}  {verdict}  {_counts(requirement)}"
    silent = [r.id for r in result.requirements if r.status == "not covered"]
    if silent:
        text = f"not covered by any scenario: {', '.join(silent)}"
        yield from textwrap.wrap(text, 88, initial_indent="  ", subsequent_indent="    ")


def _counts(requirement: RequirementResult) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in requirement.counts.items())


def _scenarios(result: RunResult) -> str:
    counted = Counter((s.status, verdict_text(s.status, s.substitutes)) for s in result.scenarios)
    order = list(_MARKS)
    return ", ".join(
        f"{count} {text}"
        for (_, text), count in sorted(counted.items(), key=lambda item: order.index(item[0][0]))
    )
