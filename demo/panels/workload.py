"""The traffic over time: how many requests per second succeed."""

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static

__all__ = ["WorkloadPanel"]

_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8
_SMOOTH = 4
"""Samples whose mean is shown as a number: one second."""


class WorkloadPanel(Static):
    """A number, and a graph as high and as wide as there is room."""

    def __init__(self) -> None:
        super().__init__(id="workload")
        self.border_title = "Workload"
        self._drawn: tuple[object, ...] = ()

    def show(self, rates: Sequence[float]) -> None:
        """Show the rates, in requests per second, the latest last."""
        state = (len(rates), self.content_size)
        if state == self._drawn:
            return
        self._drawn = state
        width, height = self.content_size
        if not rates:
            text = Text("no traffic yet", style="dim")
            text.truncate(max(1, width), overflow="ellipsis")
            self.update(text)
            return
        lately = list(rates[-_SMOOTH:])
        number = Text(f"{sum(lately) / len(lately):.0f} requests/s succeed", style="bold")
        number.truncate(max(1, width), overflow="ellipsis")
        top = max(*rates[-max(width, 1) :], 1.0)
        rows = _graph(rates[-max(width, 1) :], top, height - 1)
        self.update(Text("\n").join([number, *(Text(row, style="cyan") for row in rows)]))


def _graph(rates: Sequence[float], top: float, height: int) -> list[str]:
    """The rates as columns of blocks, in `height` rows, `top` being as high as all of them."""
    heights = [round(rate / top * height * _EIGHTHS) for rate in rates]
    return [
        "".join(_BLOCKS[min(_EIGHTHS, max(0, each - (height - 1 - row) * _EIGHTHS))] for each in heights)
        for row in range(height)
    ]
