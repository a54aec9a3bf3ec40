"""A screen is read by its panels, and a frame that is broken is told."""

import sys

import pytest

from support.evidence.screen import NoPanel, Screen, Shot, compact
from support.supervisor import Command, Supervisor, Terminal

pytestmark = pytest.mark.anyio

WHOLE = """\
 a heading
╭─ Cluster ───╮┏━ Agent ✗ SIGKILL ━━┓
│ pd0  Up     │┃ [Claude] 字 and so ┃
│ tikv0       │┃ on                 ┃
╰── 3 more ───╯┗━━━━━━━━━━━━━━━━━━━━┛
"""


def shot(text):
    rows = [
        [c for each in row for c in ((each, "") if each == "字" else (each,))] for row in text.splitlines()
    ]
    width = max(map(len, rows))
    cells = [row + [" "] * (width - len(row)) for row in rows]
    return Shot(cells=cells, reds=[[False] * width for _ in cells])


def test_panels_are_found_by_their_titles():
    seen = shot(WHOLE)
    assert [panel.title for panel in seen.panels()] == ["Cluster", "Agent ✗ SIGKILL"]
    assert seen.panel("Agent").rows == [" [Claude] 字 and so", " on"]
    assert seen.panel("Agent").compact == "[Claude]字andsoon"
    assert [panel.damage for panel in seen.panels()] == [[], []]


@pytest.mark.parametrize(
    ("whole", "broken", "told"),
    [
        ("Up     │", "Up     x", "row 2 of the right edge shows 'x'"),
        ("│ tikv0", "  tikv0", "row 3 of the left edge shows ' '"),
        ("more ───╯", "more ──── ", "the lower right corner shows '─'"),
    ],
)
def test_a_broken_frame_is_told(whole, broken, told):
    assert told in shot(WHOLE.replace(whole, broken)).panel("Cluster").damage


def test_a_panel_that_is_missing_is_told_with_the_screen():
    with pytest.raises(NoPanel, match=r"(?s)a panel titled Workload.*a heading"):
        shot(WHOLE).panel("Workload")


def test_blanks_and_forms_of_a_character_do_not_matter():
    assert compact("a \n b") == "ab"
    assert compact("e\u0301") == compact("é")


SCREEN = r"""
import sys, tty
tty.setraw(0)
print("\x1b[2J\x1b[H\x1b[38;2;200;30;30m╭ One ╮\r\n│ \x1b[0mno  \x1b[31m│\r\n╰─────╯", end="", flush=True)
key = sys.stdin.read(1)
print("\x1b[2;3H\x1b[0mk " + key, end="", flush=True)
sys.stdin.read(1)
"""


@pytest.fixture
def supervisor(tmp_path):
    return Supervisor(tmp_path / "spools")


@pytest.fixture
def python(tmp_path):
    def command(code, **options):
        return Command(name="program", argv=[sys.executable, "-uSc", code], cwd=tmp_path, **options)

    return command


async def test_keys_change_the_screen_and_it_is_kept(supervisor, python, tmp_path):
    async with supervisor:
        process = await supervisor.spawn(
            python(SCREEN, env={"PYTHONUTF8": "1"}, terminal=Terminal(columns=20, rows=5))
        )
        async with Screen.of(process, columns=20, rows=5) as screen:
            seen = await screen.until(lambda s: s.panel("One").text == " no", within=30, what="it is there")
            assert seen.panel("One").red
            screen.press("x")
            await screen.until(lambda s: s.panel("One").text == " k x", within=30, what="it has heard")
            screen.save(tmp_path / "shots", "After the key")
            assert (tmp_path / "shots/01-after-the-key.txt").read_text(encoding="utf-8").startswith("╭ One ╮")
            assert "One" in (tmp_path / "shots/01-after-the-key.svg").read_text(encoding="utf-8")
            screen.press("x")
            with pytest.raises(
                AssertionError, match=r"(?s)expected: a miracle.*before the program ended.*k x"
            ):
                await screen.until(lambda _: False, within=30, what="a miracle")
