"""`summary.md`: the result as a comment on a pull request."""

import re
from collections.abc import Iterator, Mapping

from support.report.gate import gate
from support.report.headline import Headline
from support.report.model import (
    RequirementVerdict,
    RunResult,
    ScenarioResult,
    substitutes_of,
    verdict_text,
)

__all__ = ["summary_md"]

_FITS = 60_000
"""Characters. GitHub takes 65,536 in a comment."""
_LISTED = 15
_REASON = 600
_MARKS: Mapping[RequirementVerdict, str] = {
    "passed": "✅",
    "failed": "❌",
    "broken": "💥",
    "partly verified": "🟡",
    "not verified": "⚪",
    "not covered": "⚪",
}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def summary_md(result: RunResult) -> str:
    """The summary, short enough for a comment whatever is in the result."""
    text = "\n".join(_lines(result)) + "\n"
    if len(text) <= _FITS:
        return text
    return text[:_FITS].rpartition("\n")[0] + "\n\n*The rest is in the report itself.*\n"


def _lines(result: RunResult) -> Iterator[str]:
    headline = Headline(result)
    yield f"## {_MARKS[headline.verdict]} {headline.sentence}"
    yield ""
    yield f"{_plain(headline.shown_with)} Gate {_plain(gate(result).why)}."
    yield ""
    if result.run.interrupted:
        yield f"- **Interrupted** by {_plain(result.run.interrupted)}: what was not run is not verified."
    for problem in result.run.problems[:_LISTED]:
        yield f"- **Problem of the run itself:** {_first_line(problem)}"
    to_look_at = list(headline.to_look_at)
    for scenario in to_look_at[:_LISTED]:
        yield from _failure(scenario)
    if len(to_look_at) > _LISTED:
        yield f"- and {len(to_look_at) - _LISTED} more"
    yield ""
    yield "| | Requirement | Verdict | Criteria |"
    yield "| --- | --- | --- | --- |"
    for requirement in result.requirements:
        counts = ", ".join(f"{count} {status}" for status, count in requirement.counts.items())
        verdict = verdict_text(requirement.status, substitutes_of(requirement.all_scenarios))
        yield (
            f"| {_MARKS[requirement.status]} | **{requirement.id}** {_plain(requirement.title)} "
            f"| {_plain(verdict)} | {counts} |"
        )
    yield ""
    for reason, criteria in headline.open:
        yield f"- Not verified, {_first_line(reason)}: {', '.join(c.id for c in criteria)}"
    changed = [c.id for c in result.criteria if c.changed]
    if changed:
        yield f"- Text changed since last verified: {', '.join(changed)}"
    flaky = [c.id for c in result.criteria if c.flaky]
    if flaky:
        yield f"- Flaky, both passed and failed on the same code: {', '.join(flaky)}"
    yield f"- {_plain(_about(result))}"


def _failure(scenario: ScenarioResult) -> Iterator[str]:
    word = "Failed" if scenario.status == "failed" else "Broken bed"
    ids = ", ".join(each for each in scenario.ids if "." in each)
    yield f"- **{word}:** {_plain(scenario.name)} ({ids or 'no requirement'}), `{scenario.location}`"
    step = scenario.failing_step
    said = f"{step.sentence}\n" if step else ""
    text = f"{said}{scenario.reason or ''}"[:_REASON].replace("```", "'''")
    yield "  ```text"
    yield from (f"  {line}" for line in text.splitlines())
    yield "  ```"


def _about(result: RunResult) -> str:
    run = result.run
    commit = f"commit {run.commit}, " if run.commit else ""
    return (
        f"{commit}{run.started}, {run.seconds:.1f} s, stack {run.stack}, model {run.model}, "
        f"operator {run.operator}"
    )


def _first_line(text: str) -> str:
    return _plain(text.partition("\n")[0][:_REASON])


def _plain(text: str) -> str:
    """The text with what Markdown would take for its own escaped."""
    return _SPECIAL.sub(r"\\\1", text)
