import pytest

from support.evidence.records import Entry, Records, Session
from support.evidence.repair import first_repair
from support.stacks.stack import Change


def entry(number, kind, second, *, exit_code=None, content="", command=None):
    return Entry(
        id=number,
        session_id="s",
        entry_type=kind,
        content=content,
        tool_name="shell" if command else None,
        tool_params=f'{{"command": "{command}"}}' if command else None,
        exit_code=exit_code,
        timestamp=f"2026-01-01T00:00:{second:06.3f}+00:00",
    )


def records(*entries):
    session = Session(
        session_id="s",
        ticket_id=1,
        status="resolved",
        started_at="",
        ended_at="",
        outcome_summary=None,
        entries=entries,
    )
    return Records(sessions=(session,))


def change_at(second, what="DEL ratelimit:checkout"):
    start = entry(0, "reasoning", 0).wall
    return Change(wall=start + second, what=what)


LOOK = (
    entry(1, "reasoning", 1, content="I look first"),
    entry(2, "tool_call", 2, command="look"),
    entry(3, "tool_result", 3, exit_code=0),
)
FIX = (entry(4, "tool_call", 4, command="fix"), entry(5, "tool_result", 5, exit_code=0))


def test_the_call_during_which_the_change_was_seen_made_it():
    repair = first_repair(records(*LOOK, *FIX), [change_at(4.5)])
    assert repair.call.command == "fix"
    assert [look.id for look in repair.looks] == [3]
    assert repair.reasoning == ["I look first"]


def test_a_change_during_the_first_call_came_before_any_look():
    repair = first_repair(records(*LOOK, *FIX), [change_at(2.5), change_at(4.5)])
    assert repair.call.command == "look"
    assert repair.looks == []


def test_a_look_that_failed_is_no_look():
    failed = entry(3, "tool_result", 3, exit_code=7)
    assert first_repair(records(*LOOK[:2], failed, *FIX), [change_at(4.5)]).looks == []


def test_no_change_is_a_failure_that_tells_what_is_on_record():
    with pytest.raises(AssertionError, match="nothing changed the stack after the fault") as error:
        first_repair(records(*LOOK), [])
    assert "I look first" in str(error.value)


def test_a_change_that_nobody_recorded_is_a_failure():
    with pytest.raises(AssertionError, match="to be the work of a recorded tool call"):
        first_repair(records(), [change_at(1)])
