"""What several runs of the same scenarios show together: how often each passed, how its measures spread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from support.report.model import RunResult, ScenarioResult

__all__ = ["Repeated", "lines", "repeated", "wilson"]

_Z = 1.96
"""For an interval that holds the true rate in 95 of 100 cases."""


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """One scenario in all runs: how often it showed something and passed, and its measures in seconds."""

    name: str
    location: str
    shown: int
    passed: int
    reasons: tuple[str, ...]
    measures: Mapping[str, tuple[float, ...]]

    @property
    def flaky(self) -> bool:
        """Whether it has passed and has not."""
        return 0 < self.passed < self.shown


def wilson(passed: int, shown: int) -> tuple[float, float]:
    """Between which rates the true one is, with 95 % confidence (E. B. Wilson, 1927)."""
    if not shown:
        return 0.0, 1.0
    rate, square = passed / shown, _Z * _Z / shown
    middle = (rate + square / 2) / (1 + square)
    half = _Z * sqrt(rate * (1 - rate) / shown + square / (4 * shown)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def repeated(runs: Sequence[RunResult]) -> list[Repeated]:
    """Each scenario that was run, in the order of the features. What is not verified shows nothing."""
    found: dict[str, list[ScenarioResult]] = {}
    for run in runs:
        for scenario in run.scenarios:
            found.setdefault(scenario.location, []).append(scenario)
    return [_repeated(results) for results in found.values()]


def _repeated(results: Sequence[ScenarioResult]) -> Repeated:
    shown = [result for result in results if result.status in ("passed", "failed", "broken")]
    measures: dict[str, list[float]] = {}
    for result in shown:
        for name, value in {"seconds": result.seconds, **result.measures}.items():
            measures.setdefault(name, []).append(value)
    return Repeated(
        name=results[0].name,
        location=results[0].location,
        shown=len(shown),
        passed=sum(result.status == "passed" for result in shown),
        reasons=tuple(
            dict.fromkeys((r.reason or "").partition("\n")[0] for r in shown if r.status != "passed")
        ),
        measures={name: tuple(values) for name, values in measures.items()},
    )


def lines(scenarios: Sequence[Repeated]) -> Iterator[str]:
    """What a person reads: every scenario with its rate and the spread of its measures, then the flaky."""
    for scenario in scenarios:
        if scenario.shown:
            yield f"  {_rate(scenario)}  {scenario.name}"
            yield from (f"        {name}: {_spread(values)}" for name, values in scenario.measures.items())
    flaky = [scenario for scenario in scenarios if scenario.flaky]
    yield ""
    yield f"Flaky      {len(flaky)} of {len(scenarios)} scenarios"
    for scenario in flaky:
        yield f"  {scenario.passed} of {scenario.shown}  {scenario.location}  {scenario.name}"
        yield from (f"        {reason}" for reason in scenario.reasons)


def _rate(scenario: Repeated) -> str:
    low, high = wilson(scenario.passed, scenario.shown)
    return f"passed {scenario.passed} of {scenario.shown}, so {low:.0%} to {high:.0%}"


def _spread(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}, median {median(values):.2f}"
