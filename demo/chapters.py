"""The chapters of the story, in their order, and what they tell the people who watch."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CHAPTERS", "Chapter"]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One stage of the story: its name, what it tells, and whether it waits for the presenter at its end.

    In `text`, names in braces stand for words of the subject.
    """

    name: str
    title: str
    text: str
    waits: bool
    """Whether it goes on by key only, once its work is done."""


_ALL = (
    Chapter(
        name="welcome",
        title="Welcome",
        text="You see {system}. A monitor watches it, an agent repairs it. Then something breaks.",
        waits=True,
    ),
    Chapter(
        name="health",
        title="Cluster health",
        text="{nodes} come up. The monitor checks all that must hold.",
        waits=True,
    ),
    Chapter(
        name="load",
        title="Load",
        text="{traffic}",
        waits=True,
    ),
    Chapter(
        name="fault",
        title="Fault injection",
        text="{fault}. Nobody tells the operator.",
        waits=False,
    ),
    Chapter(
        name="detection",
        title="Detection",
        text="The monitor has to notice, and to file a ticket.",
        waits=False,
    ),
    Chapter(
        name="remediation",
        title="Remediation",
        text="The agent looks, thinks and repairs, with a shell and nothing else.",
        waits=False,
    ),
    Chapter(
        name="recovery",
        title="Recovery",
        text="Does the repair hold? {recovered}",
        waits=True,
    ),
    Chapter(name="complete", title="Complete", text="Done, and nobody was called.", waits=False),
)

CHAPTERS: Mapping[str, Chapter] = MappingProxyType({chapter.name: chapter for chapter in _ALL})
