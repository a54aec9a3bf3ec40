"""What a process prints, line by line, as it is; it can be scrolled back to its beginning."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from demo.literal import cells, literal, wrapped

if TYPE_CHECKING:
    from rich.style import Style

__all__ = ["OutputPanel"]

_KEPT = 100_000
"""Lines of one panel; when there are more, the oldest tenth goes."""
_LOOKS = ("plain", "good", "bad", "said", "tool", "result", "ended")
_SHOWN_EVERY = 0.04
"""Seconds; a flood costs no more than a trickle."""

_wrap = lru_cache(maxsize=2048)(wrapped)


class OutputPanel(ScrollView, can_focus=True):
    """One process. `looks` gives, by a regular expression that a line matches, the class that colours it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move_by(-1)", show=False),
        Binding("down", "move_by(1)", show=False),
        Binding("pageup", "move_pages(-1)", show=False),
        Binding("pagedown", "move_pages(1)", show=False),
        Binding("home", "move_to_beginning", show=False),
        Binding("end", "move_to_end", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"output--{look}" for look in _LOOKS}

    def __init__(self, title: str, looks: Mapping[str, str], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.border_title = title
        self._looks = [(re.compile(pattern), f"output--{look}") for pattern, look in looks.items()]
        self._name_shown = title
        self._texts: list[str] = []
        self._colours: list[str] = []
        self._starts: list[int] = []
        """The row where each line begins."""
        self._rows = 0
        self._width = 0
        self._news = False
        self._gone = 0
        self._following = True
        """The last line is always seen, until somebody scrolls back."""

    def on_mount(self) -> None:
        super().on_mount()  # type: ignore[no-untyped-call]
        self.set_interval(_SHOWN_EVERY, self._show_news)

    def add(self, line: str) -> None:
        """Add a line; it is shown within some 40 ms."""
        look = next((name for pattern, name in self._looks if pattern.search(line)), "output--plain")
        if look == "output--plain" and line[:1] == " " and self._colours:
            look = self._colours[-1]  # it goes on from the line before
        self._append(literal(line), look)

    def mark_ended(self, how: str) -> None:
        """Say that the process has ended, and how."""
        self._append(f"── ended: {how} ──", "output--ended")
        self.border_title = f"{self._name_shown} ✗ {how}"
        self.add_class("ended")

    def _append(self, text: str, look: str) -> None:
        if len(self._texts) >= _KEPT:
            self._forget(_KEPT // 10)
        self._texts.append(text)
        self._colours.append(look)
        self._starts.append(self._rows)
        self._rows += self._height_of(text)
        self._news = True

    def _forget(self, count: int) -> None:
        self._gone += count
        del self._texts[:count], self._colours[:count]
        self._texts[0] = f"… {self._gone:,} lines before these are not kept"
        self._lay_out()

    def _height_of(self, text: str) -> int:
        if not self._width or cells(text) <= self._width:
            return 1
        return len(_wrap(text, self._width))

    def _lay_out(self) -> None:
        self._starts = []
        self._rows = 0
        for text in self._texts:
            self._starts.append(self._rows)
            self._rows += self._height_of(text)

    def _show_news(self) -> None:
        if not self._news:
            return
        self._news = False
        self.virtual_size = Size(self._width, self._rows)
        if self._following:
            self._show_row(self._rows)
        self._tell_position()
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        """Break the lines anew; the last row stays the last, or else the first line that is seen."""
        width = self.scrollable_content_region.width
        top = self._line_at(int(self.scroll_y)) if self._starts else 0
        if width != self._width:
            self._width = width
            self._lay_out()
        self.virtual_size = Size(width, self._rows)
        self._show_row(self._rows if self._following or not self._starts else self._starts[top])
        self._tell_position()
        self.refresh()

    def action_move_by(self, rows: int) -> None:
        """Scroll by some rows."""
        self._move_to(int(self.scroll_y) + rows)

    def action_move_pages(self, pages: int) -> None:
        """Scroll by what is seen at once but a row."""
        self._move_to(int(self.scroll_y) + pages * max(1, self.size.height - 1))

    def action_move_to_beginning(self) -> None:
        """Show the first line."""
        self._move_to(0)

    def action_move_to_end(self) -> None:
        """Show the last line, and every one that comes."""
        self._move_to(self._rows)

    def _move_to(self, row: int) -> None:
        self._following = row >= self.max_scroll_y
        self._show_row(row)

    def _show_row(self, row: int) -> None:
        self.scroll_to(y=max(0, min(row, self.max_scroll_y)), animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._tell_position()

    def _tell_position(self) -> None:
        below = self._rows - int(self.scroll_y) - self.size.height
        self.border_subtitle = f"↓ {below} more" if below > 0 and not self._following else ""

    def _line_at(self, row: int) -> int:
        return max(0, bisect_right(self._starts, row) - 1)

    def render_line(self, y: int) -> Strip:
        row = int(self.scroll_offset.y) + y
        width = self.size.width
        background = self.rich_style
        if row >= self._rows:
            return Strip.blank(width, background)
        number = self._line_at(row)
        rows = _wrap(self._texts[number], self._width) if self._width else [""]
        text = rows[min(row - self._starts[number], len(rows) - 1)]
        style: Style = self.get_component_rich_style(self._colours[number])
        return Strip([Segment(text, style)], cells(text)).adjust_cell_length(width, background)
