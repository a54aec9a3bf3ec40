"""A conversation as a script sees it: what the operator asked, what we said, what really came back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support.model.tools import Tool, ToolCall, shell_tool, tool_from


@dataclass(frozen=True)
class Result:
    """What a tool call returned."""

    text: str
    is_error: bool = False


@dataclass(frozen=True)
class Turn:
    """One answer of ours and what came back on it.

    `results` are in the order of `calls`; `heard` is what the operator said besides.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    results: tuple[Result, ...] = ()
    heard: str = ""

    @property
    def output(self) -> str:
        """The text of all results, one after the other."""
        return "\n".join(result.text for result in self.results)


@dataclass(frozen=True)
class Conversation:
    """All that a script may know: nothing but what the operator sent."""

    id: str
    model: str
    system: str
    tools: tuple[Tool, ...]
    asked: str
    """The text of the first user message: the ticket, as a rule."""
    turns: tuple[Turn, ...] = ()

    @property
    def shell(self) -> Tool | None:
        """The offered tool that runs commands, or None."""
        return shell_tool(self.tools)

    @property
    def last_heard(self) -> str:
        """What the operator said or returned last."""
        if not self.turns:
            return self.asked
        last = self.turns[-1]
        return last.heard or last.output


def conversation_from(
    *,
    name: str,
    model: str,
    system: object,
    tools: Sequence[Mapping[str, Any]],
    messages: Sequence[Mapping[str, Any]],
) -> Conversation:
    """Read a whole history in the form of the Messages API."""
    asked = ""
    said: list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = []
    for message in messages:
        if message["role"] == "assistant":
            said.append((message, []))
        elif message["role"] == "user":
            if said:
                said[-1][1].append(message)
            else:
                asked = "\n".join(filter(None, (asked, text_of(message["content"]))))
    return Conversation(
        id=name,
        model=model,
        system=text_of(system),
        tools=tuple(map(tool_from, tools)),
        asked=asked,
        turns=tuple(_turn(ours, theirs) for ours, theirs in said),
    )


def text_of(content: object) -> str:
    """The text in `content`, which is a string or a list of blocks; other blocks are left out."""
    return "\n".join(block["text"] for block in blocks_of(content) if block.get("type") == "text")


def blocks_of(content: object) -> list[Mapping[str, Any]]:
    """The content blocks; the API takes a bare string for a single text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content) if isinstance(content, list) else []


def _turn(ours: Mapping[str, Any], theirs: Sequence[Mapping[str, Any]]) -> Turn:
    calls = tuple(
        ToolCall(block["name"], block["input"], block["id"])
        for block in blocks_of(ours["content"])
        if block.get("type") == "tool_use"
    )
    answers = [block for message in theirs for block in blocks_of(message["content"])]
    returned = {
        block["tool_use_id"]: Result(text_of(block.get("content")), bool(block.get("is_error")))
        for block in answers
        if block.get("type") == "tool_result"
    }
    return Turn(
        text=text_of(ours["content"]),
        calls=calls,
        results=tuple(returned[call.id] for call in calls if call.id in returned),
        heard=text_of(answers),
    )
