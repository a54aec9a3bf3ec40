from typing import Any

import httpx
import pytest

from support.model import Conversation, ModelDouble, NoAnswer, Reply, Turn
from support.model.conversation import Result
from support.model.misbehaving import always, first_says, first_time, only_for, refuses
from support.model.table import script_of
from support.model.tools import Tool, ToolCall
from support.model.trouble import TROUBLES
from support.verdict import BrokenBed

pytestmark = pytest.mark.anyio

SHELL = Tool("shell", {"properties": {"command": {"type": "string"}}, "required": ["command"]})


def heard(*outputs: str, asked: str = "checkout is over its limit") -> Conversation:
    turns = tuple(Turn("", (ToolCall("shell", {}, "t"),), (Result(output),)) for output in outputs)
    return Conversation("conversation-1", "m", "", (SHELL,), asked, turns)


async def ask(double: ModelDouble, **more: Any) -> httpx.Response:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **more}
    async with httpx.AsyncClient(trust_env=False, timeout=0.5) as client:
        return await client.post(f"{double.url}/v1/messages", json=body, headers={"x-api-key": "k"})


@pytest.mark.parametrize(
    ("trouble", "status", "kind"),
    [
        ("is overloaded (529)", 529, "overloaded_error"),
        ("limits the rate (429)", 429, "rate_limit_error"),
        ("fails inside (500)", 500, "api_error"),
    ],
)
async def test_errors_are_those_of_the_api(trouble: str, status: int, kind: str) -> None:
    async with ModelDouble(always(TROUBLES[trouble])) as double:
        answer = await ask(double)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
        assert (double.exchanges[0].status, double.exchanges[0].troubled) == (status, True)
    assert answer.headers.get("retry-after") == ("1" if status == 429 else None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("trouble", "seen"),
    [
        ("resets the connection", httpx.ReadError),
        ("never answers", httpx.ReadTimeout),
        ("breaks off in the middle of its answer", (httpx.RemoteProtocolError, httpx.ReadError)),
    ],
)
async def test_connections_fail_as_they_do_out_there(trouble: str, seen: Any, stream: bool) -> None:
    async with ModelDouble(always(TROUBLES[trouble])) as double:
        with pytest.raises(seen):
            await ask(double, stream=stream)
        assert double.unanswered == ()


async def test_a_dripping_answer_outlasts_any_wait_for_the_next_byte() -> None:
    async with ModelDouble(always(TROUBLES["answers a byte at a time"])) as double:
        url, body = f"{double.url}/v1/messages", {"model": "m", "max_tokens": 9, "messages": []}
        body["messages"] = [{"role": "user", "content": "hi"}]
        async with (
            httpx.AsyncClient(trust_env=False, timeout=1) as client,
            client.stream("POST", url, json=body, headers={"x-api-key": "k"}) as answer,
        ):
            pieces = answer.aiter_bytes()
            assert [await anext(pieces) for _ in range(3)] == [b"{", b'"', b"i"]


async def test_what_is_no_json_says_that_all_is_well() -> None:
    async with ModelDouble(always(TROUBLES["answers what is no JSON"])) as double:
        answer = await ask(double)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid|delimiter"):
        answer.json()


async def test_a_trouble_that_passes_leaves_the_answer_for_the_next_request() -> None:
    script = first_time(TROUBLES["is overloaded (529)"], lambda conversation: Reply("hello"))
    async with ModelDouble(script) as double:
        assert [(await ask(double)).status_code for _ in range(3)] == [529, 200, 200]


def test_a_bad_script_is_for_one_ticket_only() -> None:
    script = only_for("checkout", refuses, otherwise=lambda conversation: Reply("fine"))
    assert script(heard()) == refuses(heard())
    assert script(heard(asked="search is over its limit")) == Reply("fine")


def test_a_useless_call_must_be_answered_as_an_error() -> None:
    script = first_says(refuses, lambda conversation: Reply(f"{len(conversation.turns)} turns"))
    told = Turn("", (ToolCall("x", {}, "t"),), (Result("no such tool", is_error=True),))
    conversation = Conversation("conversation-1", "m", "", (SHELL,), "a ticket", (told,))
    assert script(conversation) == Reply("0 turns")
    with pytest.raises(NoAnswer, match="not answered as an error"):
        script(heard("all is well"))


ROWS = [
    {"it sees": "checkout", "it says": "I look.", "it runs": "ls"},
    {"it sees": "a.txt", "it says": "RESOLVED: a.txt", "it runs": ""},
]


def test_a_table_is_told_from_top_to_bottom() -> None:
    script = script_of(ROWS)
    assert script(heard()) == Reply("I look.", ["ls"])
    said = Turn("I look.", (ToolCall("shell", {"command": "ls"}, "t"),), (Result("a.txt"),))
    conversation = Conversation("conversation-1", "m", "", (SHELL,), "checkout", (said,))
    assert script(conversation).text == "RESOLVED: a.txt"  # type: ignore[union-attr]
    with pytest.raises(NoAnswer, match="row 1 of its table wants to see 'checkout'"):
        script(heard(asked="search"))


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ([], "no rows"),
        (ROWS[:1], "row 1 of the script: the last row, and only that, runs nothing"),
        ([ROWS[1], ROWS[1]], "row 1 of the script"),
        ([{"sees": "", "says": ""}], "columns are sees, says"),
    ],
)
def test_a_table_that_is_no_script_is_said_to_be_none(rows: list[dict[str, str]], wrong: str) -> None:
    with pytest.raises(BrokenBed, match=wrong):
        script_of(rows)
