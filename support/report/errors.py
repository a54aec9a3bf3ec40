"""An exception as a reader of the report wants it: a reason in words, and the details if they help."""

import traceback
from pathlib import Path

from support.verdict import BrokenBed, NotVerified

__all__ = ["describe", "details"]


def describe(error: BaseException) -> str:
    """What went wrong, without the traceback.

    An assertion and the two exceptions of `support.verdict` speak for themselves; anything else is
    named with its type and the place it comes from, as is an assertion that says nothing.
    """
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(describe(member) for member in error.exceptions)
    text = str(error).strip("\n")
    if text and isinstance(error, (AssertionError, BrokenBed, NotVerified)):
        return text
    return f"{type(error).__name__}: {text}{_place(error)}" if text else _wordless(error)


def details(error: BaseException) -> str:
    """The whole text: with the traceback, unless the error was raised to be read without one."""
    if isinstance(error, BaseExceptionGroup) or not isinstance(
        error, (AssertionError, BrokenBed, NotVerified)
    ):
        return "".join(traceback.format_exception(error)).rstrip()
    return describe(error)


def _wordless(error: BaseException) -> str:
    last = _last_frame(error)
    code = f": {last.line}" if last is not None and last.line else ""
    return f"{type(error).__name__} without a message{_place(error)}{code}"


def _place(error: BaseException) -> str:
    last = _last_frame(error)
    return f" ({_short(last.filename)}:{last.lineno})" if last is not None else ""


def _last_frame(error: BaseException) -> traceback.FrameSummary | None:
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1] if frames else None


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
