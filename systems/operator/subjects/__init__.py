"""The kinds of system the operator knows: how to observe one, and what must hold of it.

A subject is one module here and one line in `SUBJECTS`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from systems.operator.invariants import Finding
from systems.operator.subjects import ratelimiter, tikv
from systems.operator.subjects.ratelimiter_rules import Thresholds
from systems.operator.subjects.seeing import CannotObserveError

__all__ = ["SUBJECTS", "CannotObserveError", "Subject", "Thresholds", "Watch", "context_in"]


class Watch(Protocol):
    """One running system under observation."""

    async def check(self) -> Sequence[Finding]:
        """Look at every invariant once, within about a second.

        Raises `CannotObserveError` when nothing of the system could be observed.
        """


@dataclass(frozen=True)
class Subject:
    """What the monitor and the agent need to know of a kind of system."""

    variables: tuple[str, ...]  # environment variables that say where the system is
    not_observed: Callable[[Mapping[str, str]], Mapping[str, str]]
    """By the environment, each invariant that this operator cannot observe there, and why."""
    context: str  # facts about the environment for the agent
    watch: Callable[[Mapping[str, str], Thresholds], AbstractAsyncContextManager[Watch]]


SUBJECTS: Mapping[str, Subject] = {
    "ratelimiter": Subject(
        variables=ratelimiter.VARIABLES,
        not_observed=ratelimiter.not_observed,
        context=ratelimiter.CONTEXT,
        watch=ratelimiter.watch,
    ),
    "tikv": Subject(
        variables=tikv.VARIABLES,
        not_observed=tikv.not_observed,
        context=tikv.CONTEXT,
        watch=tikv.watch,
    ),
}


def context_in(environment: Mapping[str, str]) -> str:
    """The facts about the subject whose variables are set, for a ticket that brings none."""
    return "\n\n".join(
        subject.context
        for subject in SUBJECTS.values()
        if all(environment.get(name) for name in subject.variables)
    )
