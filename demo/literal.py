"""Makes of any output a text that a terminal shows as it is: nothing moves the cursor, every width is known.

What controls a terminal, what has no width of its own, and what terminals disagree about is shown by a sign
or a number in its place, so that nothing is lost.
"""

import re
import unicodedata
from functools import lru_cache

from rich.cells import get_character_cell_size

__all__ = ["cells", "literal", "wrapped"]

_TAB = 8
_PLAIN = re.compile(r"[ -~]*")
_DELETE, _C1 = 0x7F, range(0x80, 0xA0)
_NUMBERED = (
    range(0x1100, 0x1200),  # conjoining Hangul
    range(0x1F1E6, 0x1F200),  # the letters of flags
    range(0x1F3FB, 0x1F400),  # skin tones
    range(0xFE00, 0xFE10),  # variation selectors
    range(0xE0000, 0xE1000),  # tags, more variation selectors
)
_UNSURE = ("Cf", "Cn", "Co", "Cs", "Mc", "Me", "Mn", "Zl", "Zp")


def literal(line: str) -> str:
    """The line as it is to be shown: tabs as blanks, an escape as ␛, what has no width as ⟨U+200D⟩."""
    if _PLAIN.fullmatch(line):
        return line
    return "".join(map(_shown, unicodedata.normalize("NFC", line).expandtabs(_TAB)))


def cells(text: str) -> int:
    """How many columns of a terminal a literal text takes."""
    return len(text) if text.isascii() else sum(map(get_character_cell_size, text))


def wrapped(text: str, width: int) -> list[str]:
    """A literal text in rows of at most `width` columns, broken at a space where one is near."""
    if width < 2:
        return [text[:width]]
    rows = []
    while cells(text) > width:
        end = _fitting(text, width)
        space = text.rfind(" ", end - end // 3, end + 1)
        end = space + 1 if space > 0 else end
        rows.append(text[:end].rstrip())
        text = text[end:]
    return [*rows, text]


def _fitting(text: str, width: int) -> int:
    """How many of the first characters fit into `width` columns."""
    head = text[:width]
    if head.isascii():
        return width
    taken = 0
    for number, character in enumerate(head):
        taken += get_character_cell_size(character)
        if taken > width:
            return number
    return len(head)


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(0x2400 + code)
    if code == _DELETE:
        return "␡"
    if code in _C1 or any(code in each for each in _NUMBERED) or unicodedata.category(character) in _UNSURE:
        return f"⟨U+{code:04X}⟩"
    return character
