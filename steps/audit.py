"""The words about the audit trail: what the model and the shell bear witness to, and secrets."""

from hamcrest import empty, equal_to, greater_than

from support.evidence.eventually import expect
from support.evidence.matchers import describe_session
from support.evidence.records import dump
from support.evidence.witnesses import commands_on_record, conversations, differences
from support.gherkin import then
from support.testbed import TestBed
from support.verdict import NotVerified

_SHOWN = 4


@then("the session holds exactly what the model said and was told, in that order")
async def holds_the_conversation(bed: TestBed) -> None:
    sessions = bed.operator.records().sessions
    witnessed = conversations(bed.model.exchanges)
    expect(len(sessions), equal_to(len(witnessed)), of="sessions, one for each conversation with the model")
    expect(len(sessions), greater_than(0), of="sessions")
    for session, conversation in zip(sessions, witnessed, strict=True):
        found = differences(session, conversation)
        if found:
            raise AssertionError(
                "expected: the session holds exactly what was exchanged with the model\n  but: "
                + "\n    ".join([*found[:_SHOWN], f"({len(found)} in all)"])
                + f"\n  the session: {describe_session(session)}"
            )


@then("the commands in the session are exactly those that ran in the shell")
async def holds_the_commands(bed: TestBed) -> None:
    recorded = [command for s in bed.operator.records().sessions for command in commands_on_record(s)]
    ran = bed.operator.shell.commands()
    if recorded and not ran and bed.changes:
        raise NotVerified(
            "the operator does not take its shell from its PATH, so nobody saw what it ran; "
            "have it look for `bash` or `sh` there"
        )
    expect(len(recorded), greater_than(0), of="commands on record")
    expect(list(ran), equal_to(recorded), of="the commands that ran in the shell")


@then("each command on record has its exit code, and each session its outcome")
async def complete(bed: TestBed) -> None:
    for session in bed.operator.records().sessions:
        results = [entry for entry in session.entries if entry.entry_type == "tool_result"]
        calls = [entry for entry in session.entries if entry.entry_type == "tool_call"]
        expect(len(results), equal_to(len(calls)), of="results, one for each call")
        missing = [entry.content for entry in results if entry.exit_code is None]
        expect(missing, empty(), of="results without an exit code")
        expect([entry.tool_params for entry in calls if not entry.tool_params], empty(), of="calls without")
        expect(session.ended_at or "", greater_than(""), of="the end of the session")
        expect(session.outcome_summary or "", greater_than(""), of="the outcome of the session")


@then("the results on record have the exit codes {codes}")
async def exit_codes(bed: TestBed, codes: str) -> None:
    entries = [entry for s in bed.operator.records().sessions for entry in s.entries]
    got = [str(entry.exit_code) for entry in entries if entry.entry_type == "tool_result"]
    expect(got, equal_to(codes.replace(" and ", ", ").split(", ")), of="exit codes on record")


@then("the operator has written its API key nowhere: not in its output, its database or its commands")
async def no_secret(bed: TestBed) -> None:
    bed.search_for_secrets(dump(bed.operator.database), "the database")
    for path in sorted(bed.operator.database.parent.glob(f"{bed.operator.database.name}*")):
        bed.search_for_secrets(path.read_bytes().decode("latin-1"), f"the database ({path.name})")
    bed.search_for_secrets(bed.operator.shell.everything(), "a command")
    found = sorted({hit.source for hit in bed.leaks})
    expect(found, empty(), of="places in which a secret was found")
