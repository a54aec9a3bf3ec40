"""What answers in place of a model.

A script is a function from the conversation so far to the next reply. The easiest way to write one is as
a story, which reads from top to bottom and is told again for every request:

    @story
    def cautious(conversation):
        seen = yield Reply("I look at the disk first.", ["df -h"])
        return Reply(f"ESCALATED: the disk says {seen.output}")
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from functools import wraps

from support.model.conversation import Conversation, Turn
from support.model.tools import ToolCall
from support.model.trouble import Trouble


class NoAnswer(Exception):
    """The script has no answer to this conversation; the message says why."""


@dataclass(frozen=True)
class Reply:
    """What the model says next: reasoning or conclusion, and what it wants run.

    A string in `commands` is run with the shell-like tool the operator offers. `stop_reason` is one of the
    API's; by default `tool_use` if something is to be run, else `end_turn`. `tokens` is what the answer
    says it used as output; by default an estimate from its length.
    """

    text: str
    commands: Sequence[str | ToolCall] = ()
    stop_reason: str | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Troubled:
    """A reply that something happens to on its way; it counts as never said."""

    trouble: Trouble
    reply: Reply


Answer = Reply | Troubled

Script = Callable[[Conversation], Answer | Awaitable[Answer]]

Story = Generator[Reply, Turn, Reply]
"""Yields replies, is sent the turn each became with its results, and returns the conclusion."""


def story(tell: Callable[[Conversation], Story]) -> Callable[[Conversation], Reply]:
    """Make a script of a story.

    The story is told from its beginning for every request and sent the recorded turns, so the double
    keeps nothing between requests and an operator may resend its history as it likes. It must depend on
    nothing but the conversation. Raises `NoAnswer` when the recorded turns are not what the story would have
    said, or when the operator goes on after its conclusion.
    """

    @wraps(tell)
    def script(conversation: Conversation) -> Reply:
        telling = tell(conversation)
        reply = _next(telling, None)
        for number, turn in enumerate(conversation.turns, start=1):
            _check_same(reply, turn, number)
            if isinstance(reply, _Conclusion):
                raise NoAnswer(f"it had concluded in turn {number}, and the operator went on")
            reply = _next(telling, turn)
        return reply

    return script


class _Conclusion(Reply):
    pass


def _next(telling: Story, turn: Turn | None) -> Reply:
    try:
        return next(telling) if turn is None else telling.send(turn)
    except StopIteration as end:
        last: Reply = end.value
        return _Conclusion(last.text, last.commands, last.stop_reason, last.tokens)


def _check_same(reply: Reply, turn: Turn, number: int) -> None:
    wanted = [command for command in reply.commands if isinstance(command, str)]
    called = [value for call in turn.calls for value in call.input.values()]
    missing = [command for command in wanted if command not in called]
    if missing:
        raise NoAnswer(f"turn {number} of the history is not what it said: it wanted to run {missing[0]!r}")
