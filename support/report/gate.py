"""Whether a run is good enough to go on with, and one line that says why.

By default a run is red when something failed, a bed broke, the run itself had a problem, or nothing was run.
The gate `all` is for a release: there, what is not verified or not covered is red, too.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from support.report.model import RunResult

__all__ = ["Passage", "gate"]


@dataclass(frozen=True, kw_only=True)
class Passage:
    """What the gate says: red or not, and why in one line."""

    red: bool
    why: str


def gate(result: RunResult) -> Passage:
    """Judge a result by the gate that its run was started with."""
    reasons = list(_reasons(result))
    if reasons:
        return Passage(red=True, why=f"red: {', '.join(reasons)}")
    if result.run.gate == "all":
        return Passage(red=False, why="green: every criterion is proven")
    open_ = _open(result)
    rest = f"; {', '.join(open_)}, which -D gate=all would not let pass" if open_ else ""
    return Passage(red=False, why=f"green: nothing failed and no bed broke{rest}")


def _reasons(result: RunResult) -> Iterator[str]:
    if result.run.interrupted:
        yield f"interrupted by {result.run.interrupted}"
    if problems := len(result.run.problems):
        yield f"{problems} problem{'s' * (problems > 1)} of the run itself"
    counted = Counter(s.status for s in result.scenarios)
    if failed := counted["failed"]:
        yield f"{failed} scenario{'s' * (failed > 1)} failed"
    if broken := counted["broken"]:
        yield f"{broken} broken bed{'s' * (broken > 1)}"
    if not result.scenarios:
        yield "no scenario was run"
    if result.run.gate == "all":
        yield from _open(result)
        if skipped := sum(s.status == "not verified" for s in result.unassigned):
            yield f"{skipped} without a requirement not verified"


def _open(result: RunResult) -> list[str]:
    counted = Counter(criterion.status for criterion in result.criteria)
    words = [(counted["not verified"], "not verified"), (counted["not covered"], "not covered")]
    return [
        f"{count} {'criterion' if count == 1 else 'criteria'} {status}" for count, status in words if count
    ]
