import json
from dataclasses import replace
from typing import Any

from support.evidence.records import Entry, Session
from support.evidence.witnesses import commands_on_record, conversations, differences
from support.model import Exchange


def exchange(messages: list[Any], content: list[Any], **more: Any) -> Exchange:
    return Exchange(
        at=0,
        done=0,
        conversation="conversation-1",
        method="POST",
        path="/v1/messages",
        headers={},
        request={"messages": messages, "tools": [{"name": "shell"}]},
        response={"content": content},
        **{"status": 200, **more},
    )


def entry(number: int, kind: str, content: str, **more: Any) -> Entry:
    given = {"tool_name": None, "tool_params": None, "exit_code": None, **more}
    return Entry(id=number, session_id="s", entry_type=kind, content=content, timestamp="", **given)


CALL = {"type": "tool_use", "id": "t1", "name": "shell", "input": {"command": "ls", "reasoning": "to see"}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "exit status 0\na"}
EXCHANGES = [
    exchange([{"role": "user", "content": "ticket"}], [{"type": "text", "text": "I look. "}, CALL]),
    exchange([{"role": "user", "content": [RESULT]}], [{"type": "text", "text": "RESOLVED: a"}]),
]
PARAMS = json.dumps({"reasoning": "to see", "command": "ls"})
ENTRIES = (
    entry(1, "reasoning", "I look."),
    entry(2, "tool_call", "ls", tool_name="shell", tool_params=PARAMS),
    entry(3, "tool_result", "exit status 0\na", exit_code=0),
    entry(4, "reasoning", "RESOLVED: a"),
)
SESSION = Session(
    session_id="s",
    ticket_id=1,
    status="resolved",
    started_at="",
    ended_at="",
    outcome_summary="a",
    entries=ENTRIES,
)


def complaints(*entries: Entry) -> list[str]:
    return differences(replace(SESSION, entries=entries), EXCHANGES)


def test_a_true_session_has_no_differences() -> None:
    assert complaints(*ENTRIES) == []
    assert commands_on_record(SESSION) == ["ls"]


def test_what_is_missing_invented_or_changed_is_named() -> None:
    assert complaints(*ENTRIES[:2], ENTRIES[3]) == [
        "tool_result 'exit status 0 a' was exchanged and is not on record"
    ]
    assert complaints(*ENTRIES, entry(5, "reasoning", "I am sure.")) == [
        "reasoning 'I am sure.' is on record and was not exchanged"
    ]
    assert len(complaints(*ENTRIES[:3], entry(4, "reasoning", "RESOLVED: b"))) == 2


def test_the_order_counts() -> None:
    (complaint,) = complaints(ENTRIES[0], ENTRIES[2], ENTRIES[1], ENTRIES[3])
    assert complaint.startswith("entry 2 is tool_result")


def test_a_call_that_was_refused_is_no_command_that_ran() -> None:
    refused = replace(SESSION, entries=(ENTRIES[1], replace(ENTRIES[2], exit_code=None)))
    assert commands_on_record(refused) == []


def test_answers_that_went_wrong_and_those_without_tools_are_no_conversation() -> None:
    troubled = exchange([], [], troubled=True)
    summary = replace(EXCHANGES[0], conversation="conversation-2", request={"messages": []})
    assert conversations([troubled, *EXCHANGES, summary]) == [EXCHANGES]
