"""Which verdict an exception stands for."""

import pytest
from hamcrest import assert_that, equal_to

from support.verdict import BrokenBed, NotVerified, classify


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (AssertionError("no"), "failed"),
        (NotVerified("no Docker"), "not verified"),
        (BrokenBed("no Redis"), "broken"),
        (KeyError("x"), "broken"),
        (TimeoutError(), "broken"),
        (ExceptionGroup("", [AssertionError(), NotVerified("x")]), "failed"),
        (ExceptionGroup("", [AssertionError(), ExceptionGroup("", [OSError()])]), "broken"),
        (ExceptionGroup("", [NotVerified("x")]), "not verified"),
    ],
)
def test_an_exception_stands_for_a_verdict(error, verdict) -> None:
    assert classify(error) == verdict


def test_a_matcher_that_does_not_match_is_a_failure() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_that(1, equal_to(2))
    assert classify(raised.value) == "failed"
