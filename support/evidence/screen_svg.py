"""A picture of a terminal's screen as SVG, for people who look at evidence."""

from html import escape
from itertools import groupby

import pyte
from pyte.screens import Char

__all__ = ["svg"]

_WIDTH, _HEIGHT, _SIZE = 8.4, 17, 14
_NAMED = {
    "black": "#1e1e1e",
    "red": "#cd3131",
    "green": "#0dbc79",
    "brown": "#e5e510",
    "blue": "#2472c8",
    "magenta": "#bc3fbc",
    "cyan": "#11a8cd",
    "white": "#e5e5e5",
}
_BLANK = "&#160;"
"""In place of a blank, which a viewer may leave out."""
_FOREGROUND, _BACKGROUND = "#e5e5e5", "#1e1e1e"


def svg(screen: pyte.Screen) -> str:
    """The screen as a document by itself: text as text, each run of one look in its place."""
    width, height = screen.columns * _WIDTH, screen.lines * _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" font-size="{_SIZE}" '
        'font-family="Menlo, Consolas, DejaVu Sans Mono, monospace" xml:space="preserve">',
        f'<rect width="100%" height="100%" fill="{_BACKGROUND}"/>',
    ]
    for y in range(screen.lines):
        cells = [(x, screen.buffer[y][x]) for x in range(screen.columns)]
        for (fg, bg, bold), run in groupby(cells, key=lambda cell: _look(cell[1])):
            parts += _run(list(run), y, fg, bg, bold=bold)
    return "".join([*parts, "</svg>\n"])


def _run(cells: list[tuple[int, Char]], y: int, fg: str, bg: str, *, bold: bool) -> list[str]:
    x, width = cells[0][0] * _WIDTH, len(cells) * _WIDTH
    text = "".join(cell.data for _, cell in cells)
    parts = []
    if bg != _BACKGROUND:
        parts.append(f'<rect x="{x:g}" y="{y * _HEIGHT}" width="{width:g}" height="{_HEIGHT}" fill="{bg}"/>')
    if text.strip():
        weight = ' font-weight="bold"' if bold else ""
        parts.append(
            f'<text x="{x:g}" y="{y * _HEIGHT + _SIZE - 1}" textLength="{width:g}" fill="{fg}"{weight}>'
            f"{escape(text).replace(' ', _BLANK)}</text>"
        )
    return parts


def _look(cell: Char) -> tuple[str, str, bool]:
    fg, bg = _colour(cell.fg, _FOREGROUND), _colour(cell.bg, _BACKGROUND)
    return (bg, fg, cell.bold) if cell.reverse else (fg, bg, cell.bold)


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return _NAMED.get(name.removeprefix("bright"), f"#{name}" if len(name) == len("rrggbb") else default)
