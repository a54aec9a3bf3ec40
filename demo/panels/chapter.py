"""Where the story stands: the chapter, what it tells, what is being done, and how to go on."""

from rich.text import Text
from textual.widgets import Static

from demo.chapters import CHAPTERS
from demo.story import Story

__all__ = ["ChapterPanel"]

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_WIDE = 16
"""Columns from which there is room for more than a title."""
_TURNS = 8
"""Steps of the spinner in a second."""


class ChapterPanel(Static):
    """The chapter; the last row says how to go on, whatever the room."""

    def __init__(self, story: Story) -> None:
        super().__init__(id="chapter")
        self.border_title = "Chapter"
        self._story = story
        self._drawn: tuple[object, ...] = ()

    def show(self) -> None:
        """Show the story as it stands."""
        story = self._story
        how, style = self._how_to_go_on()
        state = (story.number, story.note, story.failed, how, self.content_size)
        if state == self._drawn:
            return
        self._drawn = state
        wide = self.content_size.width >= _WIDE
        self.border_title = f"Chapter {story.number}/{len(CHAPTERS)}" if wide else "Chapter"
        self.set_class(story.failed is not None, "failed")
        self.set_class(story.complete, "complete")
        width, height = self.content_size
        title = Text(story.chapter.title, style="bold")
        body = Text()
        if story.failed is not None:
            body.append(f"The demo cannot go on: {story.failed}", "bold red")
        else:
            if height > 3:
                body.append(story.text + "\n")
            body.append(story.note, "bold cyan" if story.at_work else "bold green")
        console = self.app.console
        rows = list(body.wrap(console, max(1, width)))
        room = max(0, height - 2)
        if len(rows) > room and room > 0:  # what is being done is worth more than what was told
            rows = rows[-room:] if story.failed is None else rows[:room]
        rows += [Text()] * (room - len(rows))
        last = Text(how, style=style)
        for row in (title, last, *rows):
            row.truncate(max(1, width), overflow="ellipsis")
        self.update(Text("\n").join([title, *rows[:room], last] if height > 1 else [last]))

    def _how_to_go_on(self) -> tuple[str, str]:
        story = self._story
        if story.failed is not None:
            return "Q quits", "reverse bold"
        if story.complete and not story.at_work:
            return "✓ complete · Q quits", "bold green"
        if story.waiting:
            return "▶ SPACE to go on", "bold reverse"
        turn = _SPINNER[int(story.seconds * _TURNS) % len(_SPINNER)]
        return f"{turn} at work, {story.seconds:.0f} s", "dim"
