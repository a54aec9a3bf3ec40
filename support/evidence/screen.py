"""The screen of a pseudo-terminal, kept as a terminal would, and read as a person does: by its panels.

    async with Screen.of(process, columns=80, rows=24) as screen:
        screen.press("SPACE")
        await screen.until(lambda seen: "ready" in seen.panel("Agent").text, within=5)

A panel is a frame of line-drawing characters whose upper edge carries a title.
"""

import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import anyio
import anyio.lowlevel
import pyte

from support.evidence.screen_svg import svg
from support.supervisor import Process

KEYS: Mapping[str, bytes] = MappingProxyType(
    {
        "SPACE": b" ",
        "ENTER": b"\r",
        "→": b"\x1b[C",
        "↑": b"\x1b[A",
        "↓": b"\x1b[B",
        "PAGE UP": b"\x1b[5~",
        "PAGE DOWN": b"\x1b[6~",
        "HOME": b"\x1b[H",
        "END": b"\x1b[F",
        "Ctrl-C": b"\x03",
    }
)
"""What a terminal sends for a key (xterm's control sequences); any other key is sent as it is written."""

_CORNERS = ("┌┏╭╔", "┐┓╮╗", "└┗╰╚", "┘┛╯╝")
_LEVEL, _UPRIGHT = "─━═╌╍", "│┃║"
_AT_ONCE = 16 * 1024
_GRACE = 0.02
"""Seconds between two looks at a screen that is being written to."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One framed part of a screen, as it is seen at one moment."""

    title: str
    rows: Sequence[str]
    """What is inside the frame, without the blanks at the end of each row."""
    damage: Sequence[str]
    """Where its frame is broken, in words; nothing when it is whole."""
    red: bool
    """Whether its frame is drawn in red."""

    @property
    def text(self) -> str:
        """What is inside the frame."""
        return "\n".join(self.rows)

    @property
    def compact(self) -> str:
        """What is inside the frame without any blanks: how lines were broken does not matter."""
        return compact(self.text)


class NoPanel(AssertionError):
    """The screen shows no panel of this title; the message has the screen."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """The screen at one moment; `cells` holds a character, or nothing behind a wide one, for every column."""

    cells: Sequence[Sequence[str]]
    reds: Sequence[Sequence[bool]]

    @property
    def rows(self) -> list[str]:
        """What each row shows."""
        return ["".join(row).rstrip() for row in self.cells]

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.rows)

    def panels(self) -> list[Panel]:
        """The panels, from the top left to the bottom right."""
        return [
            panel
            for y, row in enumerate(self.cells)
            for x, character in enumerate(row)
            if character in _CORNERS[0] and character and (panel := self._panel_at(x, y))
        ]

    def panel(self, title: str) -> Panel:
        """The panel whose title begins with this word. Raises NoPanel."""
        for panel in self.panels():
            if panel.title.startswith(title):
                return panel
        raise NoPanel(f"expected: a panel titled {title}\n  but: the screen was\n{_quoted(self.text)}")

    def _panel_at(self, x: int, y: int) -> Panel | None:
        edge = self.cells[y]
        right = next((n for n in range(x + 1, len(edge)) if edge[n] and edge[n] in _CORNERS[1]), None)
        below = [
            n for n in range(y + 1, len(self.cells)) if self.cells[n][x] and self.cells[n][x] in _CORNERS[2]
        ]
        if right is None or not below:
            return None
        title = "".join(edge[x + 1 : right]).strip(_LEVEL + " ")
        if not title:
            return None
        bottom = below[0]
        damage = [
            f"row {n} of the {side} edge shows {self.cells[n][column]!r}"
            for n in range(y + 1, bottom)
            for side, column in (("left", x), ("right", right))
            if self.cells[n][column] not in _UPRIGHT or not self.cells[n][column]
        ]
        if self.cells[bottom][right] not in _CORNERS[3] or not self.cells[bottom][right]:
            damage.append(f"the lower right corner shows {self.cells[bottom][right]!r}")
        if not any(character in _LEVEL for character in self.cells[bottom][x + 1 : right] if character):
            damage.append("there is no lower edge")
        inside = ["".join(self.cells[n][x + 1 : right]).rstrip() for n in range(y + 1, bottom)]
        return Panel(title=title, rows=inside, damage=damage, red=self.reds[y][x])


class Screen:
    """The screen behind a process' pseudo-terminal, and its keyboard; made by `Screen.of`."""

    def __init__(self, process: Process, *, columns: int, rows: int) -> None:
        self._process = process
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._news = anyio.Event()
        self._fed = anyio.Event()
        self._shot: Shot | None = None
        self._over = False
        self.on_change: Callable[[], None] = lambda: None
        """Is called whenever the screen has changed."""

    @classmethod
    @asynccontextmanager
    async def of(cls, process: Process, *, columns: int, rows: int) -> AsyncIterator["Screen"]:
        """Keep the screen of a process that was just started on a terminal of this size."""
        screen = cls(process, columns=columns, rows=rows)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(screen._keep)
            tasks.start_soon(screen._announce)
            try:
                yield screen
            finally:
                tasks.cancel_scope.cancel()

    @property
    def shot(self) -> Shot:
        """The screen as it is now."""
        if self._shot is None:
            self._shot = self._take_shot()
        return self._shot

    def _take_shot(self) -> Shot:
        screen = self._screen
        lines = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
        return Shot(
            cells=[[cell.data for cell in line] for line in lines],
            reds=[[_red(cell.fg) for cell in line] for line in lines],
        )

    @property
    def modes(self) -> set[int]:
        """The terminal's modes that are set now, as pyte numbers them."""
        return set(self._screen.mode)

    @property
    def cursor_hidden(self) -> bool:
        """Whether the terminal was told to hide its cursor."""
        return bool(self._screen.cursor.hidden)

    def press(self, key: str) -> None:
        """Press a key: one of KEYS, or a character. Raises ProcessError when nobody reads it."""
        self._process.write(KEYS.get(key, key.encode()))

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size. Raises ProcessError when it is closed."""
        self._screen.resize(rows, columns)
        self._shot = None
        self._process.resize(columns, rows)

    async def until(self, holds: Callable[[Shot], object], *, within: float, what: str) -> Shot:
        """Return the screen once it is as wanted. Raises AssertionError after `within` seconds.

        `what` says in words what is waited for.
        """
        problem = ""
        with anyio.move_on_after(within):
            while True:
                news, shot = self._news, self.shot
                try:
                    if holds(shot):
                        return shot
                    problem = ""
                except NoPanel as error:
                    problem = str(error).splitlines()[0].removeprefix("expected: ")
                if self._over:
                    break
                await news.wait()
        shown = _quoted(self.shot.text)
        missing = f" ({problem} is missing)" if problem else ""
        how_long = "before the program ended" if self._over else f"within {within:g} s"
        raise AssertionError(
            f"expected: {what}\n  but: {how_long} it did not come{missing}; the screen was\n{shown}"
        )

    def save(self, directory: Path, name: str) -> None:
        """Keep the screen as text and as SVG in a directory, numbered in the order they are kept."""
        directory.mkdir(parents=True, exist_ok=True)
        number = len(list(directory.glob("*.txt"))) + 1
        stem = f"{number:02}-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')[:50]}"
        (directory / f"{stem}.txt").write_text(self.shot.text + "\n", encoding="utf-8")
        (directory / f"{stem}.svg").write_text(svg(self._screen), encoding="utf-8")

    async def _keep(self) -> None:
        async for data in self._process.output.terminal.data():
            for start in range(0, len(data), _AT_ONCE):
                self._stream.feed(data[start : start + _AT_ONCE])
                self._shot = None
                await anyio.lowlevel.checkpoint()
            self._fed.set()
        self._over = True
        self._fed.set()

    async def _announce(self) -> None:
        """Tell of what has changed, a moment after it began to: a screen is drawn in pieces."""
        while True:
            await self._fed.wait()
            await anyio.sleep(_GRACE)
            self._fed = anyio.Event()
            self.on_change()
            news, self._news = self._news, anyio.Event()
            news.set()
            if self._over:
                return


def compact(text: str) -> str:
    """A text without any blanks, and in one of the forms that Unicode has for the same characters."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFC", text))


def _red(colour: str) -> bool:
    if re.fullmatch("[0-9a-fA-F]{6}", colour):
        red, green, blue = (int(colour[n : n + 2], 16) for n in (0, 2, 4))
        return red > 120 and red > 1.5 * green and red > 1.5 * blue
    return colour in ("red", "brightred")


def _quoted(text: str) -> str:
    return "\n".join(f"    {row}" for row in text.splitlines())
