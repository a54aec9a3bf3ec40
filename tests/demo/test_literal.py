"""Any output becomes a text that moves no cursor and whose width is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from demo.literal import cells, literal, wrapped


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("plain text", "plain text"),
        ("[bold]markup[/]", "[bold]markup[/]"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("back\rto\x08 and\x07", "back␍to␈ and␇"),
        ("a\tb", "a       b"),
        ("\x7f\x9b", "␡⟨U+009B⟩"),
        ("日本 🚀", "日本 🚀"),
        ("e\u0301", "é"),
        ("x\u0301", "x⟨U+0301⟩"),
        ("👩\u200d🚀", "👩⟨U+200D⟩🚀"),
        ("❤\ufe0f", "❤⟨U+FE0F⟩"),
        ("🇩🇪", "⟨U+1F1E9⟩⟨U+1F1EA⟩"),
        ("a\u202eb", "a⟨U+202E⟩b"),
    ],
)
def test_what_has_no_width_of_its_own_is_shown_by_a_sign(printed, shown):
    assert literal(printed) == shown


@given(st.text(), st.integers(2, 30))
def test_rows_fit_and_hold_all_but_blanks(text, width):
    shown = literal(text)
    rows = wrapped(shown, width)
    assert all(cells(row) <= width for row in rows)
    assert "".join("".join(rows).split()) == "".join(shown.split())


@given(st.text())
def test_the_width_is_that_of_the_terminal_library(text):
    shown = literal(text)
    assert cells(shown) == cell_len(shown)
    assert shown.isprintable() or all(c.isprintable() or c.isspace() for c in shown)


def test_lines_break_at_a_blank_where_one_is_near():
    assert wrapped("the agent repairs it", 12) == ["the agent", "repairs it"]
    assert wrapped("0123456789", 4) == ["0123", "4567", "89"]
    assert wrapped("字字字", 5) == ["字字", "字"]
