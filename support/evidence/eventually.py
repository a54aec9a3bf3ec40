"""Waits until what is observed matches, and otherwise says what was expected and what was seen last."""

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from hamcrest.core.matcher import Matcher
from hamcrest.core.string_description import StringDescription

T = TypeVar("T")

_LOOK_EVERY = 0.02


async def eventually(observe: Callable[[], T | Awaitable[T]], matcher: Matcher[Any], *, within: float) -> T:
    """Observe until the matcher matches and return what was observed then.

    For what nobody announces, such as rows of somebody else's database: looks every 20 ms, at least once.
    Raises AssertionError after `within` seconds, with the last mismatch.
    """
    started = time.monotonic()
    while True:
        seen = observe()
        value: T = await seen if inspect.isawaitable(seen) else seen
        if matcher.matches(value):
            return value
        if time.monotonic() - started >= within:
            raise AssertionError(f"{mismatch(value, matcher)}\n  waited: {within:g} s")
        await anyio.sleep(_LOOK_EVERY)


def expect(value: object, matcher: Matcher[Any], *, of: str = "", because: str = "") -> None:
    """Raise AssertionError, with what was expected and what was seen, unless the value matches.

    `of` names what the value is, `because` what makes the expectation due.
    """
    if not matcher.matches(value):
        raise AssertionError(mismatch(value, matcher, of=of) + (f"\n  because: {because}" if because else ""))


def mismatch(value: object, matcher: Matcher[Any], *, of: str = "") -> str:
    """What was expected and what was seen, in words."""
    wanted, seen = StringDescription(), StringDescription()
    matcher.describe_to(wanted)
    matcher.describe_mismatch(value, seen)
    return f"expected: {of}{': ' if of else ''}{wanted}\n  but: {str(seen).removeprefix('but ')}"
