"""The system as it is seen: every node with its state, red when something is wrong."""

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static

from demo.subjects import Part

__all__ = ["ClusterPanel"]

_WIDE = 20
"""Columns from which there is room for more than a title."""


class ClusterPanel(Static):
    """The parts of the system, one in a row; what is wrong has a sign and comes first if there is no room."""

    def __init__(self) -> None:
        super().__init__(id="cluster")
        self.border_title = "Cluster"
        self._seen: tuple[Part, ...] = ()

    def show(self, parts: Sequence[Part]) -> None:
        """Show the parts as they are now."""
        if tuple(parts) == self._seen:
            return
        self._seen = tuple(parts)
        wrong = [part for part in parts if not part.good]
        self.set_class(bool(wrong), "violated")
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        wide = self.content_size.width >= _WIDE
        self.border_title = "Cluster ✗ violated" if wide and self.has_class("violated") else "Cluster"
        if not self._seen:
            text = Text("nothing to be seen yet", style="dim")
            text.truncate(max(1, self.content_size.width), overflow="ellipsis")
            self.update(text)
            return
        room = max(1, self.content_size.height)
        parts = self._seen
        if len(parts) > room:
            parts = tuple(sorted(parts, key=lambda part: part.good))[:room]
        width = max(len(part.name) for part in self._seen)
        self.update(Text("\n").join(self._row(part, width) for part in parts))

    def _row(self, part: Part, width: int) -> Text:
        sign, look = ("●", "green") if part.good else ("✗", "bold red")
        row = Text.assemble(
            (f"{sign} ", look),
            (f"{part.name:<{width}} ", "" if part.good else "bold"),
            (part.state, "dim" if part.good else "bold red"),
        )
        row.truncate(max(1, self.content_size.width), overflow="ellipsis")
        return row
