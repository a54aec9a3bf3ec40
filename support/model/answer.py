"""From what a script replies to the message that the API answers with."""

from collections.abc import Sequence
from typing import Any

from support.model.conversation import Conversation
from support.model.script import NoAnswer, Reply
from support.model.tools import ToolCall, shell_call
from support.model.wire import message, new_id


def answer(reply: Reply, conversation: Conversation, history: Sequence[object]) -> dict[str, Any]:
    """The assistant message that says `reply`; `history` is all that was said before it, to count tokens.

    Raises `NoAnswer` when the reply wants a command run and no tool offered takes one.
    """
    content: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
    for wanted in reply.commands:
        call = wanted if isinstance(wanted, ToolCall) else _in_shell(wanted, reply, conversation)
        content.append(
            {
                "type": "tool_use",
                "id": call.id or new_id("toolu"),
                "name": call.name,
                "input": dict(call.input),
            }
        )
    return message(
        message_id=new_id("msg"),
        model=conversation.model,
        content=content,
        stop_reason=reply.stop_reason or ("tool_use" if reply.commands else "end_turn"),
        history=history,
        output_tokens=reply.tokens,
    )


def _in_shell(command: str, reply: Reply, conversation: Conversation) -> ToolCall:
    shell = conversation.shell
    if shell is None:
        names = ", ".join(tool.name for tool in conversation.tools) or "none"
        raise NoAnswer(f"it wants to run {command!r}, and no tool offered takes a command ({names})")
    return shell_call(shell, command, said=reply.text)
