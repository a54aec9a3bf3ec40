"""Scripts of a model that misbehaves, made of one that does not, and their names in sentences.

Troubles of the wire are in `trouble`; here is what a model may say that is of no use. A bad script is told
for one ticket only, so that the next one shows whether the operator has survived.
"""

from collections.abc import Callable, Mapping

from support.model.conversation import Conversation
from support.model.script import Answer, NoAnswer, Reply, Troubled
from support.model.tools import ToolCall
from support.model.trouble import TROUBLES, Trouble

PlainScript = Callable[[Conversation], Answer]

_FORTUNE = 100_000_000
"""Output tokens; more than any ticket may cost."""


def only_for(part: str, bad: PlainScript, *, otherwise: PlainScript) -> PlainScript:
    """Answer by `bad` when the ticket names `part` of the system, else by `otherwise`."""

    def script(conversation: Conversation) -> Answer:
        return (bad if part in conversation.asked else otherwise)(conversation)

    return script


def always(trouble: Trouble) -> PlainScript:
    """Every answer has this trouble."""

    def script(conversation: Conversation) -> Answer:
        return Troubled(trouble, Reply("RESOLVED: this was never said."))

    return script


def first_time(trouble: Trouble, script: PlainScript) -> PlainScript:
    """The first answer of a conversation and the one to its first results have this trouble, once each."""
    left = {0, 1}

    def troubled(conversation: Conversation) -> Answer:
        reply = script(conversation)
        if len(conversation.turns) in left and isinstance(reply, Reply):
            left.remove(len(conversation.turns))
            return Troubled(trouble, reply)
        return reply

    return troubled


def first_says(bad: PlainScript, script: PlainScript) -> PlainScript:
    """Begin a conversation with what `bad` says, and go on as if the conversation began after that."""

    def misled(conversation: Conversation) -> Answer:
        if not conversation.turns:
            return bad(conversation)
        if not all(result.is_error for result in conversation.turns[0].results):
            raise NoAnswer(f"its useless call was not answered as an error: {conversation.last_heard!r}")
        return script(
            Conversation(
                id=conversation.id,
                model=conversation.model,
                system=conversation.system,
                tools=conversation.tools,
                asked=conversation.asked,
                turns=conversation.turns[1:],
            )
        )

    return misled


def calls_unknown_tool(conversation: Conversation) -> Reply:
    """Asks for a tool it was never offered."""
    return Reply("I look into the crystal ball.", [ToolCall("crystal_ball", {"question": "why?"})])


def calls_without_command(conversation: Conversation) -> Reply:
    """Calls its shell with arguments that make no sense."""
    if conversation.shell is None:
        raise NoAnswer("it is offered no shell to misuse")
    return Reply("I look.", [ToolCall(conversation.shell.name, {"colour": "blue"})])


def refuses(conversation: Conversation) -> Reply:
    """Will not do it."""
    return Reply("I cannot help with this request.", stop_reason="refusal")


def runs_out_of_words(conversation: Conversation) -> Reply:
    """Is cut off by its own limit before it has said what it wants run."""
    return Reply("RESOLVED: to begin with, let me recount the history of", stop_reason="max_tokens")


def never_concludes(conversation: Conversation) -> Reply:
    """Looks, and looks, and looks."""
    return Reply("I look once more.", ["true"])


def spends_a_fortune(conversation: Conversation) -> Reply:
    """Uses more tokens with one answer than a ticket may cost."""
    return Reply("I have thought about it for long, and look.", ["true"], tokens=_FORTUNE)


MISBEHAVIOURS: Mapping[str, PlainScript] = {
    **{words: always(trouble) for words, trouble in TROUBLES.items()},
    "asks only for a tool that it was not offered": calls_unknown_tool,
    "calls its tool with senseless arguments": calls_without_command,
    "refuses the task": refuses,
    "is cut off in the middle of a sentence": runs_out_of_words,
    "asks for one command after the other without end": never_concludes,
    "uses more tokens than a ticket may cost": spends_a_fortune,
}
"""What a model may do all through a ticket, by the words that follow "the model" in a sentence."""


def lapses(script: PlainScript) -> Mapping[str, PlainScript]:
    """What a model may do once and then behave, by `script`, by the words that follow "the model"."""
    return {
        **{words: first_time(trouble, script) for words, trouble in TROUBLES.items()},
        "asks only for a tool that it was not offered": first_says(calls_unknown_tool, script),
        "calls its tool with senseless arguments": first_says(calls_without_command, script),
    }
