"""Messages, errors and server-sent events in the form of the Anthropic Messages API.

Source: the types and the stream accumulator of the `anthropic` SDK 2.11 (`types/beta/`, `lib/streaming/`).
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

_DELTA_CHARACTERS = 24
_CHARACTERS_PER_TOKEN = 4


class ApiError(Exception):
    """A request the API answers with an error: HTTP status, type, message and machine-readable details."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.details = details

    def body(self, request_id: str) -> dict[str, Any]:
        """The error as the API's JSON."""
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        if self.details is not None:
            error["details"] = self.details
        return {"type": "error", "error": error, "request_id": request_id}


def new_id(prefix: str) -> str:
    """A fresh identifier such as `msg_…`, unique over all doubles."""
    return f"{prefix}_{secrets.token_hex(12)}"


def message(
    *,
    message_id: str,
    model: str,
    content: list[dict[str, Any]],
    stop_reason: str,
    history: object,
    output_tokens: int | None = None,
) -> dict[str, Any]:
    """An assistant message. Token counts not given are an estimate, a token for every four characters."""
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": _tokens(history), "output_tokens": output_tokens or _tokens(content)},
    }


def events(whole: Mapping[str, Any]) -> Iterator[bytes]:
    """The same message as a stream of server-sent events, texts and tool inputs in pieces."""
    usage = whole["usage"]
    opening = {
        **whole,
        "content": [],
        "stop_reason": None,
        "usage": {**usage, "output_tokens": 1},
    }
    yield _event({"type": "message_start", "message": opening})
    yield _event({"type": "ping"})
    for index, block in enumerate(whole["content"]):
        if block["type"] == "text":
            start, kind, key, rest = {**block, "text": ""}, "text_delta", "text", block["text"]
        else:
            rest = json.dumps(block["input"])
            start, kind, key = {**block, "input": {}}, "input_json_delta", "partial_json"
        yield _event({"type": "content_block_start", "index": index, "content_block": start})
        for at in range(0, len(rest), _DELTA_CHARACTERS):
            delta = {"type": kind, key: rest[at : at + _DELTA_CHARACTERS]}
            yield _event({"type": "content_block_delta", "index": index, "delta": delta})
        yield _event({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    yield _event({"type": "message_delta", "delta": ending, "usage": usage})
    yield _event({"type": "message_stop"})


def message_of(body: bytes) -> dict[str, Any]:
    """The message in the body of an answer, whole or as a stream; `{"text": …}` of any other body."""
    text = body.decode(errors="replace")
    try:
        whole = json.loads(text)
    except ValueError:
        return _message_of_events(text) or {"text": text}
    return whole if isinstance(whole, dict) else {"text": text}


def _message_of_events(text: str) -> dict[str, Any] | None:
    message: dict[str, Any] | None = None
    partial: dict[int, str] = {}
    for line in text.splitlines():
        if not line.startswith("data:"):
            continue
        data = json.loads(line.removeprefix("data:"))
        match data.get("type"):
            case "message_start":
                message = data["message"]
            case "content_block_start" if message is not None:
                message["content"].append(data["content_block"])
            case "content_block_delta" if message is not None:
                delta, block = data["delta"], message["content"][data["index"]]
                if delta["type"] == "input_json_delta":
                    partial[data["index"]] = partial.get(data["index"], "") + delta["partial_json"]
                    continue
                for name in ("text", "thinking", "signature"):
                    if name in delta:
                        block[name] = block.get(name, "") + delta[name]
            case "message_delta" if message is not None:
                message.update(data["delta"])
                message["usage"].update(data.get("usage") or {})
    for index, written in partial.items():
        assert message is not None
        message["content"][index]["input"] = json.loads(written or "{}")
    return message


def _event(data: Mapping[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def _tokens(value: object) -> int:
    return max(1, len(json.dumps(value)) // _CHARACTERS_PER_TOKEN)
