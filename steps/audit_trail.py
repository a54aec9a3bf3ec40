"""The words about the audit session: what it holds at which moment, in which order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from hamcrest import (
    contains_string,
    empty,
    equal_to,
    has_length,
    less_than,
    less_than_or_equal_to,
    none,
    not_,
)

from steps.interruption import held_while
from steps.life import agent_alone
from support import scene
from support.evidence.eventually import expect
from support.evidence.matchers import describe_session, the_only
from support.evidence.records import Entry
from support.gherkin import given, then, when
from support.model.awkward import AWKWARD, both_at_once, fails_then_looks, first_runs
from support.testbed import TestBed
from support.verdict import BrokenBed

_WORKED_WITHIN = 60.0
_GONE_WITHIN = 3.0
_COMMAND_SECONDS = "2"
_MOST_KEPT = 1_000_000
"""Characters of a command's output that one entry may hold."""

when("the agent is held on a ticket while {moment}")(held_while)


@then("its session still runs, has no outcome, and holds {entries}")
async def holds_so_far(bed: TestBed, entries: str) -> None:
    session = the_only(bed.operator.records().sessions, "session")
    expect(session.status, equal_to("running"), of="the session", because=describe_session(session))
    expect(session.ended_at, none(), of="its end")
    held = ", ".join(entry.entry_type.replace("_", " ") for entry in session.entries) or "nothing"
    expect(held, equal_to(entries), of="what it holds", because=describe_session(session))


@given("an agent runs alone, with a model that tries one command, which fails, and then another")
async def agent_that_tries(bed: TestBed) -> None:
    bed.script = fails_then_looks
    await agent_alone(bed)


@given("an agent runs alone, with a model that asks for two commands at once")
async def agent_at_once(bed: TestBed) -> None:
    bed.script = both_at_once
    await agent_alone(bed)


@then("its session holds, in this order:")
async def holds_in_order(bed: TestBed, table: Sequence[Mapping[str, str]]) -> None:
    session = the_only(bed.operator.records().sessions, "session")
    told = describe_session(session)
    kinds = [entry.entry_type.replace("_", " ") for entry in session.entries]
    expect(kinds, equal_to([row["entry"] for row in table]), of="the entries", because=told)
    for entry, row in zip(session.entries, table, strict=True):
        _expect_entry(entry, row["says"], row["exit status"], told)


@then("no entry is older than the one before it, and the session's beginning and end enclose them all")
async def times_in_order(bed: TestBed) -> None:
    session = the_only(bed.operator.records().sessions, "session")
    told = describe_session(session)
    expect(session.ended_at is None, equal_to(False), of="whether its end is missing", because=told)
    moments = [session.started_at, *(entry.timestamp for entry in session.entries), session.ended_at or ""]
    for before, after in pairwise(moments):
        expect(datetime.fromisoformat(before), less_than_or_equal_to(datetime.fromisoformat(after)))


@then("its outcome is on record as {status}: {summary}")
async def outcome(bed: TestBed, status: str, summary: str) -> None:
    session = the_only(bed.operator.records().sessions, "session")
    expect(session.status, equal_to(status), of="the session", because=describe_session(session))
    expect(session.outcome_summary or "", contains_string(summary), of="its summary")


@then("its session holds both calls and both results, each result after its call:")
async def holds_both(bed: TestBed, table: Sequence[Mapping[str, str]]) -> None:
    session = the_only(bed.operator.records().sessions, "session")
    told = describe_session(session)
    calls = [each for each in session.entries if each.entry_type == "tool_call"]
    results = [each for each in session.entries if each.entry_type == "tool_result"]
    expect(calls, has_length(len(table)), of="tool calls", because=told)
    expect(results, has_length(len(table)), of="tool results", because=told)
    for call, result, row in zip(calls, results, table, strict=True):
        _expect_entry(call, row["says"], "", told)
        _expect_entry(result, row["result"], row["exit status"], told)
        expect(call.id, less_than(result.id), of="the place of the call, before that of its result")


@given("an agent runs alone, with a model that asks for a command that {does}")
async def agent_with_command(bed: TestBed, does: str) -> None:
    if does not in AWKWARD:
        raise BrokenBed(f"no command that {does!r} is known; known are {'; '.join(AWKWARD)}")
    bed.limits["command_seconds"] = _COMMAND_SECONDS
    bed.seen["command"] = AWKWARD[does]
    bed.script = first_runs(AWKWARD[does], on="checkout")
    await agent_alone(bed)
    bed.seen["before"] = len(bed.operator.bare("agent").descendants())


@when('a ticket for counter "{first}" is placed in the database, and then one for counter "{second}"')
async def place_two(bed: TestBed, first: str, second: str) -> None:
    for key in (first, second):
        scene.file_ticket(bed.operator.database, "over_limit", key)


@then("both tickets are worked to their end")
async def both_worked(bed: TestBed) -> None:
    def statuses() -> list[str]:
        return [ticket.status for ticket in bed.operator.records().tickets]

    await bed.until(statuses, equal_to(["resolved", "resolved"]), within=_WORKED_WITHIN)


@then("the first session holds the call of that command, and that it ended with {status}")
async def holds_command(bed: TestBed, status: str) -> None:
    sessions = bed.operator.records().sessions
    expect(sessions, not_(empty()), of="audit sessions")
    session = sessions[0]
    told = describe_session(session)
    call, result = (
        [entry for entry in session.entries if entry.entry_type == kind]
        for kind in ("tool_call", "tool_result")
    )
    expect(call, has_length(1), of="tool calls", because=told)
    expect(call[0].command, equal_to(bed.seen["command"]), of="the command on record")
    expect(result, has_length(1), of="tool results", because=told)
    expect(result[0].exit_code, equal_to(0) if status == "status 0" else not_(0), of="its exit status")
    expect(len(result[0].content), less_than_or_equal_to(_MOST_KEPT), of="characters that are kept of it")


@then("nothing that the command started is left running")
async def nothing_left_running(bed: TestBed) -> None:
    await bed.until(
        lambda: [each.command for each in bed.operator.bare("agent").descendants()],
        has_length(less_than_or_equal_to(bed.seen["before"])),
        within=_GONE_WITHIN,
    )


def _expect_entry(entry: Entry, says: str, exit_status: str, told: str) -> None:
    said = entry.command if entry.entry_type == "tool_call" else entry.content
    expect(said or "", contains_string(says), of=f"the {entry.entry_type.replace('_', ' ')}", because=told)
    if entry.entry_type == "tool_result":
        expect(entry.exit_code, equal_to(int(exit_status)), of="its exit status", because=told)
