"""The matrix for people: a line for each try as it ends, the closing lines, and `proof.md`."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from statistics import median

from support.prove.matrix import RED, Matrix, Outcome, Tried
from support.sabotage.sabotage import Sabotage

__all__ = ["closing_lines", "proof_md", "sabotage_lines", "try_lines"]

_MARKS: Mapping[Outcome, str] = {
    "caught": "✓",
    "left green": "✓",
    "missed": "✗",
    "wrongly red": "✗",
    "broken": "!",
    "not applicable": "-",
}
_WIDTH = 300
_LINES = 12
_ORDER: tuple[Outcome, ...] = ("caught", "missed", "left green", "wrongly red", "not applicable", "broken")


def sabotage_lines(sabotages: Mapping[str, Sabotage]) -> Iterator[str]:
    """What each of these sabotages, by their names, does and is about."""
    for name, each in sabotages.items():
        green = f", leaves {', '.join(each.leaves)} green" if each.leaves else ""
        yield f"{name}: {each.sentence}"
        yield f"    breaks {', '.join(each.breaks)}{green}"


def try_lines(tried: Tried, title: str) -> Iterator[str]:
    """A try that has ended, and what was seen if somebody has to look."""
    mark = _MARKS[tried.outcome]
    yield f"{mark} {tried.outcome:<14} {tried.seconds:6.2f} s  {tried.criterion:<11} {title}"
    if tried.outcome in RED:
        lines = f"{tried.scenario}\n{tried.saw}".strip().splitlines()
        yield from (f"        {line[:_WIDTH]}" for line in lines[:_LINES])
    elif tried.outcome == "not applicable":
        yield f"        {_first(tried.saw)}"


def closing_lines(matrix: Matrix, *, shown: str) -> Iterator[str]:
    """What all tries together say."""
    yield ""
    yield "Criteria"
    for criterion in matrix.criteria:
        if caught := matrix.of(criterion, "caught"):
            yield f"  {criterion:<11} {len(caught)} caught: {_titles(matrix, caught)}"
    unproven = matrix.unproven()
    if unproven:
        yield "Unproven, for nothing was caught breaking them"
        for why, criteria in _by_reason(unproven):
            yield f"  {', '.join(criteria)}: {why}"
    counted = ", ".join(f"{matrix.counts[o]} {o}" for o in _ORDER if matrix.counts.get(o))
    yield f"Tries      {counted}"
    yield f"Time       {_time(matrix)}"
    yield f"Gate       {_gate(matrix)}"
    yield f"Matrix     {shown}"


def proof_md(matrix: Matrix) -> str:
    """`proof.md`: what is caught by criterion, and all sabotages with what came of them."""
    return "\n".join(_markdown(matrix)) + "\n"


def _markdown(matrix: Matrix) -> Iterator[str]:
    unproven = matrix.unproven()
    proven = len(matrix.criteria) - len(unproven)
    yield f"# What the suite notices: {proven} of {len(matrix.criteria)} criteria proven"
    yield ""
    on = f"commit {matrix.commit}, " if matrix.commit else ""
    yield f"{on}{matrix.started}, operator {matrix.operator}, {_time(matrix)}. {_gate(matrix).capitalize()}."
    yield ""
    yield "| Criterion | Caught | To look at | Must stay green, and did |"
    yield "| --- | --- | --- | --- |"
    for criterion in matrix.criteria:
        caught = _titles(matrix, matrix.of(criterion, "caught")) or f"*unproven: {unproven[criterion]}*"
        red = ", ".join(f"{matrix.titles[t.sabotage]} ({t.outcome})" for t in matrix.of(criterion, *RED))
        left = len(matrix.of(criterion, "left green"))
        yield f"| {criterion} | {_cell(caught)} | {_cell(red)} | {left or ''} |"
    for name, title in matrix.titles.items():
        yield ""
        yield f"## {title[:1].upper()}{title[1:]} (`{name}`)"
        yield ""
        yield f"{matrix.sentences[name]} Tried within {matrix.took[name]:.1f} s."
        yield ""
        for tried in matrix.tried:
            if tried.sabotage == name:
                saw = f": {_first_line(tried.saw)}" if tried.saw else ""
                yield f"- **{tried.outcome}** {tried.criterion}, {tried.seconds:.1f} s{saw}"


def _gate(matrix: Matrix) -> str:
    found = [f"{matrix.counts[o]} {o}" for o in RED if matrix.counts.get(o)]
    return f"✗ red: {', '.join(found)}" if found else "✓ green"


def _time(matrix: Matrix) -> str:
    jobs = f"{matrix.jobs} at a time on {matrix.processors} processors"
    whole = median(matrix.took.values() or [0.0])
    proof = median([each.seconds for each in matrix.tried if each.must == "break"] or [0.0])
    return f"{matrix.seconds:.0f} s, {jobs}; medians: one proof {proof:.1f} s, one sabotage {whole:.1f} s"


def _titles(matrix: Matrix, tried: Sequence[Tried]) -> str:
    return ", ".join(matrix.titles[each.sabotage] for each in tried)


def _by_reason(reasons: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    by_why = sorted(reasons.items(), key=lambda item: item[1])
    return [(why, [c for c, _ in group]) for why, group in groupby(by_why, key=lambda item: item[1])]


def _first(text: str) -> str:
    return text.partition("\n")[0][:_WIDTH]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " · ".join(lines[:2])[:300].replace("<", "&lt;")
