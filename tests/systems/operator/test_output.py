"""What the operator prints."""

import pytest

from systems.operator.output import complain, say


def test_further_lines_are_indented_so_that_each_event_begins_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("[Claude] first\nsecond\n\nlast")
    assert capsys.readouterr().out == "[Claude] first\n    second\n    \n    last\n"


def test_control_characters_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    say("key \x1b[2J\x07 über")
    assert capsys.readouterr().out == "key \\x1b[2J\\x07 über\n"


def test_a_carriage_return_cannot_overwrite_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\rtwo")
    assert capsys.readouterr().out == "one\n    two\n"


def test_nothing_to_say_is_an_empty_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("")
    assert capsys.readouterr().out == "\n"


def test_an_error_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    complain("a database\n  of something else")
    assert capsys.readouterr().err == "operator: a database of something else\n"
