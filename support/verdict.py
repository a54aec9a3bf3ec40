"""The words a verdict is given in, and the two exceptions by which a step says that its verdict is
neither "passed" nor "failed"."""

from typing import Literal, TypeAlias

__all__ = ["BrokenBed", "NotVerified", "Verdict", "classify"]

Verdict: TypeAlias = Literal["passed", "failed", "broken", "not verified", "not covered"]


class BrokenBed(Exception):
    """The stack, a double or the harness failed, so that nothing can be said of the operator.

    The message says in words what was expected of the bed and what was seen.
    """


class NotVerified(Exception):
    """The criterion cannot be checked here; the rest of the scenario is skipped.

    The message names what is missing and how to enable it.
    """


def classify(error: BaseException) -> Verdict:
    """The verdict that an exception out of a step stands for.

    An AssertionError is a failed requirement, NotVerified is what it says, and everything else is a
    broken bed. A group counts as its worst member, and there a broken bed is the worst: what came
    out of a bed that broke says nothing about the operator.
    """
    if isinstance(error, BaseExceptionGroup):
        members = {classify(member) for member in error.exceptions}
        order: tuple[Verdict, ...] = ("broken", "failed", "not verified")
        return next(verdict for verdict in order if verdict in members)
    if isinstance(error, AssertionError):
        return "failed"
    if isinstance(error, NotVerified):
        return "not verified"
    return "broken"
