"""Puts together the whole history behind a request, whichever of the two ways it is sent.

Either the request carries all of it, or (SDK 2.2 and later) a `thread` names the reply it continues and the
request carries only what is new. Replies of a thread are therefore held by message id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from support.model.conversation import blocks_of
from support.model.wire import ApiError

Message = Mapping[str, Any]


@dataclass(frozen=True)
class History:
    """All that was said before the next reply."""

    conversation: str
    system: object
    tools: tuple[Mapping[str, Any], ...]
    messages: tuple[Message, ...]
    threaded: bool
    continues: str | None = None
    """The id of the reply it continues, if the request named one."""


class Histories:
    """The conversations of one double."""

    def __init__(self) -> None:
        self._held: dict[str, History] = {}
        self._continued: set[str] = set()
        self._conversation_of_call: dict[str, str] = {}
        self._conversations = 0

    def of(self, request: Mapping[str, Any]) -> History:
        """The whole history behind `request`.

        Raises `ApiError` where the API would: fields missing, tool calls without results, a thread that
        is unknown or already continued.
        """
        _check_fields(request)
        thread = request.get("thread") or {}
        messages = tuple(request["messages"])
        if thread.get("type") == "continue":
            history = self._continuation(str(thread.get("previous_message_id")), messages)
        else:
            history = History(
                conversation=self._conversation(messages),
                system=request.get("system"),
                tools=tuple(request.get("tools") or ()),
                messages=messages,
                threaded=thread.get("type") == "create",
            )
        _check_results(history.messages)
        return history

    def add(self, history: History, reply: Mapping[str, Any]) -> None:
        """Remember `reply`, so that it can be continued and recognised."""
        for block in reply["content"]:
            if block["type"] == "tool_use":
                self._conversation_of_call[block["id"]] = history.conversation
        if history.continues is not None:
            self._continued.add(history.continues)
        if history.threaded:
            said = {"role": "assistant", "content": reply["content"]}
            self._held[reply["id"]] = replace(history, messages=(*history.messages, said))

    def _continuation(self, previous: str, messages: tuple[Message, ...]) -> History:
        held = self._held.get(previous)
        if held is None:
            raise ApiError(
                404,
                "not_found_error",
                f"No thread state is held for previous_message_id {previous!r}",
                details={"error_code": "thread_not_found"},
            )
        if previous in self._continued:
            raise ApiError(
                400,
                "invalid_request_error",
                f"The response {previous!r} has already been continued",
                details={"error_code": "thread_already_continued"},
            )
        return replace(held, messages=(*held.messages, *messages), continues=previous)

    def _conversation(self, messages: Sequence[Message]) -> str:
        for message in messages:
            for block in blocks_of(message["content"]):
                known = self._conversation_of_call.get(str(block.get("id")))
                if known is not None:
                    return known
        self._conversations += 1
        return f"conversation-{self._conversations}"


def _check_fields(request: Mapping[str, Any]) -> None:
    if not isinstance(request, dict):
        raise ApiError(400, "invalid_request_error", "the request is not a JSON object")
    for name, type_ in (("model", str), ("max_tokens", int), ("messages", list)):
        if name not in request:
            raise ApiError(400, "invalid_request_error", f"{name}: Field required")
        if not isinstance(request[name], type_):
            raise ApiError(400, "invalid_request_error", f"{name}: not of type {type_.__name__}")
    continues = (request.get("thread") or {}).get("type") == "continue"
    if not request["messages"] and not continues:
        raise ApiError(400, "invalid_request_error", "messages: at least one message is required")
    for at, message in enumerate(request["messages"]):
        if not isinstance(message, dict) or not {"role", "content"} <= message.keys():
            raise ApiError(400, "invalid_request_error", f"messages.{at}: role or content missing")


def _check_results(messages: Sequence[Message]) -> None:
    spoken = [message for message in messages if message["role"] != "system"]
    for at, (said, heard) in enumerate(pairwise(spoken)):
        called = _ids(said, "tool_use", "id")
        returned = _ids(heard, "tool_result", "tool_use_id")
        if said["role"] == "assistant" and called - returned:
            raise ApiError(
                400,
                "invalid_request_error",
                f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                + ", ".join(sorted(called - returned)),
            )
        if returned - called:
            raise ApiError(
                400,
                "invalid_request_error",
                f"messages.{at + 1}: `tool_result` without its `tool_use` in the previous message: "
                + ", ".join(sorted(returned - called)),
            )


def _ids(message: Message, type_: str, key: str) -> set[str]:
    return {block[key] for block in blocks_of(message["content"]) if block.get("type") == type_}
