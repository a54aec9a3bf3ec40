"""Agents that only print, to see what a panel makes of it: what looks like markup, what would move a cursor.

Each is a command that prints its lines, says that it has, and then waits to be told to stop.
"""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_PRINTER = """
import json, sys, time
for line in json.loads(sys.argv[1]):
    print(line)
print("That was all.", flush=True)
time.sleep(3600)
"""
_FLOOD = """
import os, time
time.sleep(float({delay}))
began = time.monotonic()
for tenth in range(10):
    for number in range({lines} // 10):
        print("line", tenth * ({lines} // 10) + number, "of the flood", "." * (number % 60))
    time.sleep(max(0, began + (tenth + 1) / 10 - time.monotonic()))
print("That was all.", flush=True)
time.sleep(3600)
"""
LAST = "That was all."
"""The last line of each."""

_LINES: Mapping[str, Sequence[str]] = {
    "what looks like markup": (
        "[bold red]not red[/bold red] [/] [[x]] [link=https://example.org]a link[/link]",
        "[@click=app.quit]quit[/] { braces } {a.b} $variable %(percent)s <b>html</b> &amp; `code` **stars**",
        "[Tool Call] [not a style] [1, 2, 3] [/usr/bin] \\[escaped]",
    ),
    "colour codes": ("\x1b[31mred\x1b[0m and \x1b[1;4;7mloud\x1b[0m and \x1b[38;2;1;2;3mtrue\x1b[0m",),
    "what moves the cursor": (
        "\x1b[2J\x1b[H\x1b[10;10Hnot here \x1b[1A\x1b[5D up",
        "\x1b[?1049l\x1b[?25h\x1bc\x1b]0;a title\x07 \x1b[6n",
        "back\r to the beginning \x08\x08 and \ta tab",
    ),
    "wide characters": (
        "一二三四五六七八九十 日本語のテキスト 한국어 中文字符 🚀🔥💡 mixed 字 and 字 and 字",
        "ｆｕｌｌ　ｗｉｄｔｈ と半角 ｶﾅ ÄÖÜ ß € “quotes” … — ─│┌┐",
    ),
    "a line of 5,000 characters": ("".join(f"{number:04}-" for number in range(1000)),),
    "an empty line and blanks": ("", "   three blanks before", "and after   "),
}


def printing(what: str) -> Sequence[str]:
    """The command of an agent that prints this. Raises KeyError with what is known."""
    return ("{python}", "-c", _PRINTER, json.dumps([*_LINES[what]]))


def flooding(lines: int, *, after: float = 1.0) -> Sequence[str]:
    """The command of an agent that prints so many lines within a second, some seconds after its start."""
    return ("{python}", "-c", _FLOOD.format(lines=lines, delay=after))


def dying(how: str) -> Sequence[str]:
    """The command of an agent that dies by itself: with "status N" or by "SIGNAME"."""
    end = f"sys.exit({how.split()[1]})" if how.startswith("status") else f"os.kill(os.getpid(), signal.{how})"
    return ("{python}", "-c", f"import os, signal, sys; print('I go.', flush=True); {end}")


KNOWN = MappingProxyType(_LINES)
