"""The double on its wire, asked by hand: every form that an SDK or an operator may use."""

import json
import socket
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from support.evidence.redaction import Redactor
from support.model import Conversation, Exchange, ModelDouble, NoAnswer, Reply, Story, ToolCall, story

pytestmark = pytest.mark.anyio

SHELL = {
    "name": "shell",
    "description": "Run a command.",
    "input_schema": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "reasoning": {"type": "string"}},
        "required": ["command", "reasoning"],
    },
}
OLD_KEY = {"x-api-key": "dummy", "anthropic-version": "2023-06-01"}
NEW_KEY = {"authorization": "Bearer dummy", "anthropic-version": "2026-10-21"}
HELLO = {"role": "user", "content": "over_limit:checkout"}


@story
def look_twice(conversation: Conversation) -> Story:
    """Runs two commands one after the other, and says what they returned."""
    first = yield Reply("I look.", ["echo a"])
    second = yield Reply(f"I saw {first.output}.", ["echo b"])
    return Reply(f"RESOLVED: {first.output}, {second.output}")


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "claude-x", "max_tokens": 100, "messages": list(messages or [HELLO]), **fields}


def results(answer: dict[str, Any], output: str) -> dict[str, Any]:
    used = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
    content = [{"type": "tool_result", "tool_use_id": id_, "content": output} for id_ in used]
    return {"role": "user", "content": content}


def said(answer: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": answer["content"]}


async def post(
    double: ModelDouble, request: Any, *, headers: dict[str, str] = NEW_KEY, path: str = "/v1/messages"
) -> httpx.Response:
    async with httpx.AsyncClient(base_url=double.url) as client:
        return await client.post(path, json=request, headers=headers)


async def test_an_answer_is_an_assistant_message_of_the_model_asked_for() -> None:
    async with ModelDouble(look_twice) as double:
        response = await post(double, body(tools=[SHELL]))
    answer = response.json()
    assert response.status_code == 200
    assert answer["type"] == "message"
    assert answer["role"] == "assistant"
    assert answer["model"] == "claude-x"
    assert answer["stop_reason"] == "tool_use"
    assert answer["content"][0] == {"type": "text", "text": "I look."}
    assert answer["content"][1]["input"] == {"command": "echo a", "reasoning": "I look."}
    assert answer["usage"]["input_tokens"] > 0


async def test_every_answer_says_that_it_is_a_stand_in() -> None:
    async with ModelDouble(look_twice) as double:
        for request, headers in ((body(tools=[SHELL]), NEW_KEY), (body(), {}), (body(), NEW_KEY)):
            response = await post(double, request, headers=headers)
            assert response.headers["x-model-double"] == "operator-acceptance"


@pytest.mark.parametrize(
    ("path", "headers"), [("/v1/messages?beta=true", OLD_KEY), ("/v1/messages", NEW_KEY)]
)
async def test_a_history_sent_whole_is_one_conversation(path: str, headers: dict[str, str]) -> None:
    async with ModelDouble(look_twice) as double:
        messages = [HELLO]
        for output in ("a", "b", ""):
            response = await post(double, body(*messages, tools=[SHELL]), headers=headers, path=path)
            answer = response.json()
            messages += [said(answer), results(answer, output)]
        assert answer["content"] == [{"type": "text", "text": "RESOLVED: a, b"}]
        assert answer["stop_reason"] == "end_turn"
        assert {each.conversation for each in double.exchanges} == {"conversation-1"}


async def test_a_thread_is_continued_from_the_last_reply_alone() -> None:
    async with ModelDouble(look_twice) as double:
        first = (await post(double, body(tools=[SHELL], thread={"type": "create"}))).json()
        thread = {"type": "continue", "previous_message_id": first["id"]}
        second = (await post(double, body(results(first, "a"), thread=thread))).json()
        thread = {"type": "continue", "previous_message_id": second["id"]}
        third = (await post(double, body(results(second, "b"), thread=thread))).json()
        assert second["content"][1]["name"] == "shell"  # known from the beginning of the thread
        assert third["content"] == [{"type": "text", "text": "RESOLVED: a, b"}]
        assert {each.conversation for each in double.exchanges} == {"conversation-1"}


async def test_two_tickets_with_the_same_text_are_two_conversations() -> None:
    async with ModelDouble(look_twice) as double:
        first = (await post(double, body(tools=[SHELL]))).json()
        await post(double, body(tools=[SHELL]))
        await post(double, body(HELLO, said(first), results(first, "a"), tools=[SHELL]))
        assert [each.conversation for each in double.exchanges] == [
            "conversation-1",
            "conversation-2",
            "conversation-1",
        ]


async def test_an_unknown_thread_is_not_found_in_the_apis_words() -> None:
    async with ModelDouble(look_twice) as double:
        thread = {"type": "continue", "previous_message_id": "msg_of_another_double"}
        response = await post(double, body(thread=thread))
    assert response.status_code == 404
    assert response.json()["error"]["details"] == {"error_code": "thread_not_found"}


async def test_a_reply_can_be_continued_once() -> None:
    async with ModelDouble(look_twice) as double:
        first = (await post(double, body(tools=[SHELL], thread={"type": "create"}))).json()
        thread = {"type": "continue", "previous_message_id": first["id"]}
        await post(double, body(results(first, "a"), thread=thread))
        response = await post(double, body(results(first, "a"), thread=thread))
    assert response.status_code == 400
    assert response.json()["error"]["details"] == {"error_code": "thread_already_continued"}


async def test_a_stream_carries_the_same_message_in_pieces() -> None:
    async with ModelDouble(look_twice) as double:
        response = await post(double, body(tools=[SHELL], stream=True))
        whole = double.exchanges[0].response
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]
    assert [each["type"] for each in events if each["type"] != "content_block_delta"] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_stop",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0]["message"] == {
        **whole,
        "content": [],
        "stop_reason": None,
        "usage": {**whole["usage"], "output_tokens": 1},
    }
    deltas = [each["delta"] for each in events if each["type"] == "content_block_delta"]
    assert "".join(each.get("text", "") for each in deltas) == "I look."
    assert json.loads("".join(each.get("partial_json", "") for each in deltas)) == {
        "command": "echo a",
        "reasoning": "I look.",
    }
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic ZHVtbXk="}, {"x-api-key": ""}])
async def test_without_a_key_the_answer_is_401_in_the_apis_form(headers: dict[str, str]) -> None:
    async with ModelDouble(look_twice) as double:
        response = await post(double, body(tools=[SHELL]), headers=headers)
        assert response.status_code == 401
        assert response.json()["type"] == "error"
        assert response.json()["error"]["type"] == "authentication_error"
        assert response.json()["request_id"].startswith("req_")
        assert double.unanswered == ()  # the operator's mistake, not the script's


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ("hello", "not a JSON object"),
        ({}, "model: Field required"),
        ({"model": "m", "messages": [HELLO]}, "max_tokens: Field required"),
        ({"model": "m", "max_tokens": "9", "messages": [HELLO]}, "max_tokens: not of type int"),
        ({"model": "m", "max_tokens": 9, "messages": []}, "at least one message"),
        ({"model": "m", "max_tokens": 9, "messages": [{"role": "user"}]}, "messages.0"),
        ({"model": "m", "max_tokens": 9, "messages": [HELLO], "thread": "x"}, "malformed request"),
        ({"model": "m", "max_tokens": 9, "messages": [HELLO], "tools": ["x"]}, "malformed request"),
    ],
)
async def test_a_request_the_api_would_refuse_is_refused(request_: Any, complaint: str) -> None:
    async with ModelDouble(look_twice) as double:
        response = await post(double, request_)
        assert response.status_code == 400
        assert response.json()["error"]["type"] == "invalid_request_error"
        assert complaint in response.json()["error"]["message"]
        assert double.exchanges[0].request == request_


async def test_a_body_that_is_no_json_is_refused_and_kept_as_it_came() -> None:
    async with ModelDouble(look_twice) as double, httpx.AsyncClient(base_url=double.url) as client:
        response = await client.post("/v1/messages", content=b"model=x", headers=NEW_KEY)
        assert response.status_code == 400
        assert double.exchanges[0].request == "model=x"


async def test_a_tool_call_whose_result_is_dropped_is_refused() -> None:
    async with ModelDouble(look_twice) as double:
        first = (await post(double, body(tools=[SHELL]))).json()
        follow_up = {"role": "user", "content": "Go on."}
        dropped = await post(double, body(HELLO, said(first), follow_up, tools=[SHELL]))
        invented = await post(double, body(HELLO, results(first, "a"), tools=[SHELL]))
    assert "without `tool_result` blocks" in dropped.json()["error"]["message"]
    assert "`tool_result` without its `tool_use`" in invented.json()["error"]["message"]


async def test_a_request_no_script_answers_fails_loudly_and_is_kept(tmp_path: Path) -> None:
    def stubborn(conversation: Conversation) -> Reply:
        raise NoAnswer("it knows nothing about disks")

    evidence = tmp_path / "model.jsonl"
    async with ModelDouble(stubborn, evidence=evidence) as double:
        response = await post(double, body({"role": "user", "content": "disk full"}))
        [words] = double.unanswered
    assert response.status_code == 400
    assert response.json()["error"] == {"type": "invalid_request_error", "message": words}
    for part in ("'stubborn'", "no answer: it knows nothing about disks", "'disk full'", str(evidence)):
        assert part in words


async def test_a_script_that_crashes_is_the_beds_fault_in_words() -> None:
    def broken(conversation: Conversation) -> Reply:
        raise ZeroDivisionError("by design")

    async with ModelDouble(broken) as double:
        response = await post(double, body())
        assert response.status_code == 400
        assert "failed with ZeroDivisionError('by design')" in double.unanswered[0]


async def test_a_command_without_a_shell_to_run_it_has_no_answer() -> None:
    async with ModelDouble(look_twice) as double:
        await post(double, body(tools=[{"name": "search", "input_schema": {"type": "object"}}]))
        assert "no tool offered takes a command (search)" in double.unanswered[0]


async def test_another_path_is_not_found_and_counts_as_unanswered() -> None:
    async with ModelDouble(look_twice) as double:
        response = await post(double, body(), path="/v1/messages/count_tokens")
        assert response.status_code == 404
        assert "POST /v1/messages/count_tokens" in double.unanswered[0]


async def test_a_script_may_call_any_tool_and_end_for_any_reason() -> None:
    def script(conversation: Conversation) -> Reply:
        return Reply("", [ToolCall("search", {"q": "x"})], stop_reason="max_tokens")

    async with ModelDouble(script) as double:
        answer = (await post(double, body())).json()
    assert [(block["type"], block["name"], block["input"]) for block in answer["content"]] == [
        ("tool_use", "search", {"q": "x"})
    ]
    assert answer["stop_reason"] == "max_tokens"


async def test_a_script_may_wait_while_other_requests_are_answered() -> None:
    go = anyio.Event()
    order = []

    async def script(conversation: Conversation) -> Reply:
        if conversation.asked == "slow":
            await go.wait()
        return Reply(conversation.asked)

    async def ask(double: ModelDouble, text: str) -> None:
        order.append(
            (await post(double, body({"role": "user", "content": text}))).json()["content"][0]["text"]
        )

    async with ModelDouble(script) as double, anyio.create_task_group() as tasks:
        tasks.start_soon(ask, double, "slow")
        await ask(double, "quick")
        go.set()
    assert order == ["quick", "slow"]


async def test_each_exchange_is_a_line_of_evidence_before_its_answer_arrives(tmp_path: Path) -> None:
    evidence = tmp_path / "not" / "there" / "model.jsonl"
    heard: list[Exchange] = []
    async with ModelDouble(look_twice, evidence=evidence, on_exchange=heard.append) as double:
        answer = (await post(double, body(tools=[SHELL]), path="/v1/messages?beta=true")).json()
        [line] = map(json.loads, evidence.read_text().splitlines())
        assert heard == list(double.exchanges)
    assert line["response"] == answer
    assert line["request"] == body(tools=[SHELL])
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/messages?beta=true", 200)
    assert 0 < line["at"] <= line["done"]


async def test_half_a_surrogate_pair_is_kept_in_the_evidence(tmp_path: Path) -> None:
    evidence = tmp_path / "model.jsonl"
    async with ModelDouble(look_twice, evidence=evidence) as double:
        sent = json.dumps(body({"role": "user", "content": "half \ud83d"}, tools=[SHELL])).encode()
        async with httpx.AsyncClient(base_url=double.url) as client:
            await client.post("/v1/messages", content=sent, headers=NEW_KEY)
    assert json.loads(evidence.read_text())["request"]["messages"][0]["content"] == "half \ud83d"


async def test_keys_in_headers_never_reach_the_evidence(tmp_path: Path) -> None:
    evidence = tmp_path / "model.jsonl"
    async with ModelDouble(look_twice, evidence=evidence) as double:
        await post(double, body(), headers={"x-api-key": "sesame-1", "Authorization": "Bearer sesame-2"})
        headers = double.exchanges[0].headers
    assert headers["x-api-key"] == "********"
    assert headers["authorization"] == "Bearer ********"
    assert "sesame" not in evidence.read_text()


async def test_a_secret_in_a_request_is_masked_in_the_evidence_and_recorded(tmp_path: Path) -> None:
    evidence = tmp_path / "model.jsonl"
    redactor = Redactor({"password": "open sesame"})
    async with ModelDouble(look_twice, evidence=evidence, redactor=redactor) as double:
        await post(double, body({"role": "user", "content": "say open sesame"}, tools=[SHELL]))
    assert json.loads(evidence.read_text())["request"]["messages"][0]["content"] == "say ***********"
    assert [(hit.source, hit.name) for hit in redactor.hits] == [("request to the model", "password")]


async def test_leaving_does_not_wait_for_a_script_or_a_client() -> None:
    waiting = anyio.Event()

    async def script(conversation: Conversation) -> Reply:
        waiting.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def ask(double: ModelDouble) -> None:
        with pytest.raises(httpx.TransportError):
            await post(double, body())

    idle = socket.socket()
    with anyio.fail_after(30), idle:
        async with anyio.create_task_group() as tasks, ModelDouble(script) as double:
            idle.connect(("127.0.0.1", int(double.url.rpartition(":")[2])))
            tasks.start_soon(ask, double)
            await waiting.wait()
    assert double.exchanges[0].status == 503
    assert double.unanswered == ()


async def test_after_leaving_nobody_listens() -> None:
    async with ModelDouble(look_twice) as double:
        pass
    with pytest.raises(httpx.ConnectError):
        await post(double, body())


async def test_without_entering_there_is_no_address() -> None:
    with pytest.raises(RuntimeError, match="no address before it is opened"):
        _ = ModelDouble(look_twice).url


async def test_connections_do_not_wait_for_acknowledgements() -> None:
    async with ModelDouble(look_twice) as double:
        assert double._server._server is not None
        [listener] = double._server._server.servers
        [listening] = listener.sockets
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
