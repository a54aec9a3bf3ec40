"""The screen: five panels, a heading, and the keys."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from demo.panels.chapter import ChapterPanel
from demo.panels.cluster import ClusterPanel
from demo.panels.output import OutputPanel
from demo.panels.workload import WorkloadPanel
from demo.stage import Order
from demo.story import Story
from support.profile import OutputPatterns

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DemoApp"]

_REDRAWN_EVERY = 0.1
_LOW, _NARROW, _TINY = 20, 76, 50
"""Rows and columns below which there is no heading, the keys are in short, and titles need all the room."""
_SETTLED_AFTER = 0.1
"""Seconds after a change of size in which the screen is drawn once more, whole."""
_KEYS = "SPACE next  A agent  M monitor  ↑↓ PgUp PgDn Home End scroll  T theme  Q quit"
_KEYS_SHORT = "SPC next A/M ↑↓ scroll Q quit"


class DemoApp(App[None]):
    """The demo's screen. It shows a story, and tells it of keys; `show` is where output comes in."""

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter,right", "go_on", priority=True),
        Binding("a", "focus_panel('agent')"),
        Binding("m", "focus_panel('monitor')"),
        Binding("t", "turn_theme"),
        Binding("q,ctrl+c,ctrl+q", "quit", priority=True),
    ]

    def __init__(self, order: Order, *, pace: float, auto: bool, light: bool, record: Path | None) -> None:
        super().__init__()
        self.story = Story(order, self, pace=pace, auto=auto)
        self.theme = "textual-light" if light else "textual-dark"
        self._order = order
        self._record = record
        self._auto = auto
        looks = _looks(order.profile.output)
        self._panels = {
            "monitor": OutputPanel("Monitor", looks, id="monitor"),
            "agent": OutputPanel("Agent", looks, id="agent"),
        }

    def compose(self) -> ComposeResult:
        yield Static(self._heading(), id="heading", markup=False)
        with Vertical(id="panels"):
            with Horizontal(id="upper"):
                yield ClusterPanel()
                yield ChapterPanel(self.story)
                yield WorkloadPanel()
            with Horizontal(id="lower"):
                yield from self._panels.values()
        yield Static(_KEYS, id="keys", markup=False)

    def on_mount(self) -> None:
        self._panels["agent"].focus()
        self.set_interval(_REDRAWN_EVERY, self._redraw)

    def line(self, process: str, text: str) -> None:
        """A process has printed a line."""
        self._panels[process].add(text)

    def ended(self, process: str, how: str) -> None:
        """A process has ended."""
        self._panels[process].mark_ended(how)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < _LOW, "low")
        self.set_class(event.size.width < _NARROW, "narrow")
        self.set_class(event.size.width < _TINY, "tiny")
        self.query_one("#keys", Static).update(_KEYS_SHORT if event.size.width < _NARROW else _KEYS)

        # While output flows, sizes and updates overtake each other (textual 8.2): some rows may stay blank.
        self.set_timer(_SETTLED_AFTER, self.refresh)

    def action_go_on(self) -> None:
        """Lead on to the next chapter, if this one is not at work."""
        if not self.story.go_on():
            self.bell()
        self._redraw()

    def action_focus_panel(self, name: str) -> None:
        """Let the keys that scroll be those of this panel."""
        self._panels[name].focus()

    def action_turn_theme(self) -> None:
        """Change between light and dark."""
        self.theme = "textual-light" if self.theme == "textual-dark" else "textual-dark"

    def leave(self) -> None:
        """Keep the last screen, if that is wanted, and end."""
        if self._record is not None:
            self._redraw()
            self._record.write_text(self.export_screenshot(title=self._heading()), encoding="utf-8")
            self._record = None
        self.exit()

    async def action_quit(self) -> None:
        self.leave()

    def _heading(self) -> str:
        stage = self.story.stage
        substitutes = list(stage.stack.substitutes) if stage else []
        if self._order.model == "double":
            substitutes.insert(0, "model double")
        shown = f"  ·  {', '.join(substitutes)}" if substitutes else ""
        return f" {self._order.subject.name}  ·  operator: {self._order.profile.name}{shown}"

    def _redraw(self) -> None:
        story = self.story
        self.query_one("#heading", Static).update(self._heading())
        if story.stage is not None:
            self.query_one(ClusterPanel).show(story.stage.parts)
            self.query_one(WorkloadPanel).show(story.stage.rates)
        else:
            self.query_one(ClusterPanel).show(())
            self.query_one(WorkloadPanel).show(())
        self.query_one(ChapterPanel).show()


def _looks(output: OutputPatterns) -> dict[str, str]:
    """By pattern, how a line of the operator is coloured; the first that matches counts."""
    pairs: Iterable[tuple[str, str]] = (
        (output.tool_call, "tool"),
        (output.tool_result, "result"),
        (output.reasoning, "said"),
        (output.healthy_check, "good"),
        (output.auto_resolved, "good"),
        (output.ticket_opened, "bad"),
        (output.violations_seen, "bad"),
        (output.cannot_see, "bad"),
        (output.outcome, "good"),
        (output.error, "bad"),
    )
    return dict(pairs)
