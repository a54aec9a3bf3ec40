"""A reason is in words; the details are there when they help."""

import pytest

from support.report.errors import describe, details
from support.verdict import BrokenBed, NotVerified


def _raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize("kind", [AssertionError, BrokenBed, NotVerified])
def test_errors_that_are_written_to_be_read_are_given_as_they_are(kind) -> None:
    error = _raised(kind("\nExpected: 3\n     but: was 4\n"))
    assert describe(error) == details(error) == "Expected: 3\n     but: was 4"


def test_any_other_error_is_named_with_its_place_and_has_a_traceback() -> None:
    error = _raised(ValueError("odd"))
    assert describe(error).startswith("ValueError: odd (tests/support/report/test_errors.py:")
    assert details(error).startswith("Traceback")


def test_an_assertion_without_a_message_shows_its_line() -> None:
    assert "AssertionError without a message (" in describe(_raised(AssertionError()))
    assert describe(_raised(AssertionError())).endswith("raise error")


def test_a_group_tells_of_every_member() -> None:
    group = ExceptionGroup("tasks", [AssertionError("one"), ExceptionGroup("", [BrokenBed("two")])])
    assert describe(group) == "one\ntwo"
    assert "ExceptionGroup" in details(_raised(group))
