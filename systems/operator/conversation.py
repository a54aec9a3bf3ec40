"""One attempt at a ticket: the model and the shell in turns, until a conclusion or a limit.

The loop is the anthropic SDK's tool runner. The SDK is imported by whoever hands in the client, so
that this module costs nothing at start-up.
"""

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from systems.operator.audit import Journal
from systems.operator.output import say
from systems.operator.prompt import SYSTEM
from systems.operator.shell import Shell, ShellError
from systems.operator.work import Outcome

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.lib.tools import BetaAsyncFunctionTool
    from anthropic.types.beta import BetaMessage

_REPLY_TOKENS = 8_192
_PRINTED_LINES = 20
_SHELL_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "command": {"type": "string", "description": "The command line, for bash -c."},
        "reasoning": {
            "type": "string",
            "description": "Why you run it, and what you expect to see.",
        },
    },
    "required": ["command", "reasoning"],
}
# Models that put what they say between commands into thinking blocks, and leave those empty unless asked
# (https://platform.claude.com/docs, "What's new in Claude Sonnet 5.5", "Text between tool calls").
_THINKS_IN_BLOCKS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1")
_CONCLUSION = re.compile(r"[\s*#>`_]*(RESOLVED|ESCALATED)[*_`]*:[*_`]*\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Limits:
    """How much one attempt may use."""

    replies: int  # of the model
    tokens: int  # input, cached and output, over all replies
    seconds: float


@dataclass
class Conversation:
    """The model, the shell and the journal of one attempt."""

    client: "AsyncAnthropic"
    model: str
    shell: Shell | None  # None: commands are refused, the operator only observes
    journal: Journal
    mask: Callable[[str], str]
    limits: Limits
    _broken: sqlite3.Error | None = None

    async def hold(self, ticket: str) -> Outcome:
        """Work the ticket whose text is given. Every failure of the model is an `Outcome`.

        Raises `sqlite3.Error` when the journal cannot be written: then nothing more is done.
        """
        import anthropic

        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self._turns(ticket)
        except TimeoutError:
            return _failed(f"the attempt took longer than its {self.limits.seconds:g} s")
        except anthropic.APIStatusError as error:
            return _failed(f"the model's API answered {error.status_code}: {self.mask(error.message)}")
        except anthropic.AnthropicError as error:
            # Its cause says more than the SDK's "Connection error."
            cause = f" ({error.__cause__})" if error.__cause__ else ""
            return _failed(f"the model could not be asked: {self.mask(f'{error}{cause}')}")

    async def _turns(self, ticket: str) -> Outcome:
        runner = self.client.beta.messages.tool_runner(
            model=self.model,
            max_tokens=_REPLY_TOKENS,
            system=SYSTEM,
            messages=[{"role": "user", "content": ticket}],
            tools=[self._shell_tool()],
            max_iterations=self.limits.replies,
            **_thinking_of(self.model),
        )
        tokens = replies = 0
        message: BetaMessage | None = None
        async for message in runner:
            replies += 1
            usage = message.usage
            tokens += usage.input_tokens + usage.output_tokens
            tokens += usage.cache_creation_input_tokens or 0
            tokens += usage.cache_read_input_tokens or 0
            self._record(message)
            if message.stop_reason != "tool_use":
                continue
            if tokens > self.limits.tokens:
                return _failed(f"the attempt used {tokens} tokens, more than its {self.limits.tokens}")
            await self._answer_calls(message, await runner.generate_tool_call_response())
        if message is None:
            return _failed("the model did not reply")
        if message.stop_reason in {"tool_use", "pause_turn"} and replies >= self.limits.replies:
            return _failed(f"no conclusion after {replies} replies, the most an attempt may have")
        return self._conclusion(message)

    def _record(self, message: "BetaMessage") -> None:
        """Write down a reply, whole, before anything it asks for is done."""
        for block in message.content:
            if block.type == "text" and block.text.strip():
                self.journal.reasoning(block.text)
                say(self.mask(f"[Claude] {block.text.strip()}"))
            elif block.type == "thinking" and block.thinking.strip():
                self.journal.reasoning(block.thinking)
                say(self.mask(f"[Claude] {block.thinking.strip()}"))
            elif block.type == "tool_use":
                self.journal.tool_call(block.name, block.input)
                params = json.dumps(block.input, ensure_ascii=False, default=str)
                say(self.mask(f"[Tool Call] {block.name} {params}"))

    async def _answer_calls(self, message: "BetaMessage", answer: object) -> None:
        """Write down the answers the SDK gave by itself: those to calls of tools that we lack."""
        if self._broken is not None:
            raise self._broken
        if not isinstance(answer, Mapping):
            return
        names = {block.id: block.name for block in message.content if block.type == "tool_use"}
        for result in answer["content"]:
            name = names.get(result["tool_use_id"], "")
            if name != "shell":
                text = str(result.get("content", ""))
                self.journal.tool_result(name, text)
                say(self.mask(f"[Tool Result] {text}"))

    def _shell_tool(self) -> "BetaAsyncFunctionTool[Callable[..., Coroutine[Any, Any, str]]]":
        from anthropic import beta_async_tool
        from anthropic.lib.tools import ToolError

        async def shell(**given: object) -> str:
            if self._broken is not None:
                raise self._broken
            try:
                text, error = await self._run(given)
            except sqlite3.Error as broken:
                # The SDK makes this a tool result and goes on, with what cannot be recorded.
                self._broken = broken
                raise
            if error:
                raise ToolError(text)
            return text

        return beta_async_tool(
            name="shell",
            description="Run one command in a shell. Answers its exit status and output.",
            input_schema=_SHELL_SCHEMA,
        )(shell)

    async def _run(self, given: Mapping[str, object]) -> tuple[str, bool]:
        """Run what the model asked for and write down what came of it; the text, and if it failed."""
        command = given.get("command")
        if not isinstance(command, str) or not command.strip():
            return self._not_run("not run: the parameter `command` must be a command line")
        if self.shell is None:
            return self._not_run(
                "not run: this operator only observes (OPERATOR_SAFETY_MODE is not `execute`), "
                "no command will be run"
            )
        try:
            result = await self.shell.run(command)
        except ShellError as error:
            return self._not_run(f"the shell failed: {error}")
        self.journal.tool_result("shell", result.text, exit_code=result.exit_status)
        say(_excerpt(result.text))
        return result.text, False

    def _not_run(self, text: str) -> tuple[str, bool]:
        self.journal.tool_result("shell", text)
        say(f"[Tool Result] {text}")
        return text, True

    def _conclusion(self, message: "BetaMessage") -> Outcome:
        text = "\n".join(block.text for block in message.content if block.type == "text").strip()
        if message.stop_reason == "refusal":
            said = f": {self.mask(text)}" if text else ""
            return Outcome("escalated", "escalated", f"the model refused to go on{said}")
        if message.stop_reason not in {"end_turn", "stop_sequence", "tool_use"}:
            return _failed(f"the model's reply broke off ({message.stop_reason})")
        found = _CONCLUSION.match(text)
        if found is None:
            return Outcome(
                "escalated",
                "escalated",
                f"the model ended without a conclusion; its last words: {self.mask(text)[-500:]}",
            )
        summary = self.mask(found.group(2).strip()) or "(the model gave no summary)"
        if found.group(1) == "RESOLVED":
            return Outcome("resolved", "resolved", summary)
        return Outcome("escalated", "escalated", summary)


def _thinking_of(model: str) -> dict[str, Any]:
    """The parameter that makes a model say what it thinks between commands, if it is one that needs it."""
    if model.startswith(_THINKS_IN_BLOCKS):
        return {"thinking": {"type": "adaptive", "display": "summarized"}}
    return {}


def _excerpt(result: str) -> str:
    """The beginning of a command's result, for the person who watches; the journal has it whole."""
    status, *lines = result.splitlines()
    hidden = len(lines) - _PRINTED_LINES
    if hidden > 0:
        lines = [*lines[:_PRINTED_LINES], f"({hidden} more lines)"]
    return "\n".join([f"[Tool Result] {status.replace('exit status', 'exit')}", *lines])


def _failed(reason: str) -> Outcome:
    return Outcome("escalated", "failed", reason)
