"""One attempt: the real SDK against a scripted Messages API and a real shell."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anthropic
import pytest

from systems.operator.audit import Journal
from systems.operator.conversation import Conversation, Limits
from systems.operator.database import open_database
from systems.operator.holding import Roll
from systems.operator.masking import masker
from systems.operator.shell import Shell
from systems.operator.work import Outcome, enlist

pytestmark = pytest.mark.anyio

SECRET = "a-credential-of-somebody"
ENVIRONMENT = {"PATH": os.environ["PATH"], "ANTHROPIC_API_KEY": SECRET}


class Attempt:
    """A ticket that has been taken, and the means to work it."""

    def __init__(self, directory: Path, client: anthropic.AsyncAnthropic, shell: Shell) -> None:
        path = directory / "operator.db"
        self.database = open_database(path)
        self.database.execute(
            "INSERT INTO tickets (violation_key, invariant_name, first_seen_at, last_seen_at,"
            " message) VALUES ('k', 'i', 't', 't', 'm')"
        )
        taken = enlist(self.database, Roll(path)).take_next(model="a-model")
        assert taken is not None
        self.session_id = taken.session_id
        self.client = client
        self.shell = shell

    async def hold(
        self,
        *,
        execute: bool = True,
        replies: int = 10,
        tokens: int = 10_000,
        seconds: float = 60.0,
    ) -> Outcome:
        mask = masker(ENVIRONMENT)
        conversation = Conversation(
            client=self.client,
            model="a-model",
            shell=self.shell if execute else None,
            journal=Journal(self.database, self.session_id, mask),
            mask=mask,
            limits=Limits(replies, tokens, seconds),
        )
        return await conversation.hold("Ticket #1: over_limit:checkout")

    def entries(self) -> list[tuple[str, str]]:
        rows = self.database.execute("SELECT * FROM agent_log_entries ORDER BY id").fetchall()
        return [(row["entry_type"], row["content"]) for row in rows]

    def rows(self, entry_type: str) -> list[dict[str, Any]]:
        query = "SELECT * FROM agent_log_entries WHERE entry_type = ? ORDER BY id"
        return [dict(row) for row in self.database.execute(query, (entry_type,))]


@pytest.fixture
async def attempt(tmp_path: Path, model: Any) -> AsyncIterator[Attempt]:
    async with (
        anthropic.AsyncAnthropic(api_key=SECRET, base_url=model.url, max_retries=0) as client,
        Shell(ENVIRONMENT, timeout=60, mask=masker(ENVIRONMENT)) as shell,
    ):
        yield Attempt(tmp_path, client, shell)


async def test_a_conversation_ends_with_the_models_conclusion(
    attempt: Attempt, model: Any, says: Callable[..., Any], runs: Callable[..., Any]
) -> None:
    model.replies(
        runs("echo 15", text="I look at the counter."),
        says("RESOLVED: counter checkout was reset.\nIt is at 0 now."),
    )
    outcome = await attempt.hold()
    assert outcome == Outcome("resolved", "resolved", "counter checkout was reset.\nIt is at 0 now.")
    assert attempt.entries() == [
        ("reasoning", "I look at the counter."),
        ("tool_call", "echo 15"),
        ("tool_result", "exit status 0\n15"),
        ("reasoning", "RESOLVED: counter checkout was reset.\nIt is at 0 now."),
    ]


async def test_the_journal_has_what_model_and_shell_exchanged(
    attempt: Attempt, model: Any, says: Callable[..., Any], runs: Callable[..., Any]
) -> None:
    model.replies(runs("echo 15; exit 3", "echo 16"), says("ESCALATED: it does not help."))
    await attempt.hold()
    results = attempt.rows("tool_result")
    given = [
        result["content"][0]["text"] if isinstance(result["content"], list) else result["content"]
        for result in model.results()
    ]
    assert [row["content"] for row in results] == given == ["exit status 3\n15", "exit status 0\n16"]
    assert [row["exit_code"] for row in results] == [3, 0]
    calls = attempt.rows("tool_call")
    assert [row["tool_name"] for row in calls] == ["shell", "shell"]
    assert calls[0]["tool_params"] == '{"command": "echo 15; exit 3", "reasoning": "to see"}'


async def test_nothing_is_run_before_it_is_recorded(
    attempt: Attempt, model: Any, tmp_path: Path, says: Callable[..., Any], runs: Callable[..., Any]
) -> None:
    """Each command looks itself up in the journal, through a connection of its own."""
    seen = tmp_path / "seen"
    look = (
        f'python3 -c \'import sqlite3; c = sqlite3.connect("{tmp_path}/operator.db"); '
        'print(*[r[0] for r in c.execute("select entry_type from agent_log_entries")])\' '
        f">> {seen}"
    )
    model.replies(runs(look, look), runs(look), says("RESOLVED: done."))
    await attempt.hold()
    first = "reasoning tool_call tool_call"
    assert seen.read_text().splitlines() == [
        first,
        f"{first} tool_result",
        f"{first} tool_result tool_result reasoning tool_call",
    ]


async def test_the_model_is_told_the_ticket_the_rules_and_the_tool(attempt: Attempt, model: Any) -> None:
    await attempt.hold()
    (request,) = model.requests
    assert request["messages"][0]["content"] == "Ticket #1: over_limit:checkout"
    assert "Look before you change anything" in str(request["system"])
    (tool,) = request["tools"]
    assert (tool["name"], tool["input_schema"]["required"]) == ("shell", ["command", "reasoning"])


@pytest.mark.parametrize(
    ("text", "outcome", "summary"),
    [
        ("RESOLVED: it was reset", "resolved", "it was reset"),
        ("**RESOLVED:** it was reset", "resolved", "it was reset"),
        ("\n\nESCALATED: no way\nI tried.", "escalated", "no way\nI tried."),
        ("RESOLVED:", "resolved", "(the model gave no summary)"),
    ],
)
async def test_the_first_line_of_the_last_message_decides(
    attempt: Attempt, model: Any, says: Callable[..., Any], text: str, outcome: str, summary: str
) -> None:
    model.replies(says(text))
    came = await attempt.hold()
    assert (came.ticket, came.session, came.summary) == (outcome, outcome, summary)


@pytest.mark.parametrize("text", ["I have RESOLVED: it", "All is well.", "RESOLVED it", ""])
async def test_without_a_conclusion_the_ticket_is_escalated(
    attempt: Attempt, model: Any, says: Callable[..., Any], text: str
) -> None:
    model.replies(says(text))
    outcome = await attempt.hold()
    assert (outcome.ticket, outcome.session) == ("escalated", "escalated")
    assert "ended without a conclusion" in outcome.summary


async def test_a_refusal_is_escalated_as_such(attempt: Attempt, model: Any, says: Callable[..., Any]) -> None:
    model.replies(says("RESOLVED: I will not.", stop_reason="refusal"))
    outcome = await attempt.hold()
    assert (outcome.ticket, outcome.session) == ("escalated", "escalated")
    assert outcome.summary == "the model refused to go on: RESOLVED: I will not."


async def test_a_reply_cut_off_resolves_nothing_and_runs_nothing(
    attempt: Attempt, model: Any, tmp_path: Path, runs: Callable[..., Any]
) -> None:
    reply = runs(f"touch {tmp_path}/ran", text="RESOLVED: and then")
    model.replies(reply | {"stop_reason": "max_tokens"})
    outcome = await attempt.hold()
    assert outcome == Outcome("escalated", "failed", "the model's reply broke off (max_tokens)")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("status", "kind"), [(429, "rate_limit_error"), (529, "overloaded_error"), (400, "invalid_request_error")]
)
async def test_an_error_of_the_api_is_named(
    attempt: Attempt, model: Any, runs: Callable[..., Any], status: int, kind: str
) -> None:
    body = {"type": "error", "error": {"type": kind, "message": f"no, {SECRET}"}}
    model.replies(runs("true"), (status, body))
    outcome = await attempt.hold()
    assert (outcome.ticket, outcome.session) == ("escalated", "failed")
    assert f"answered {status}" in outcome.summary
    assert kind in outcome.summary
    assert SECRET not in outcome.summary


async def test_a_model_that_cannot_be_reached_is_named(attempt: Attempt, model: Any) -> None:
    model.close()
    outcome = await attempt.hold()
    assert (outcome.ticket, outcome.session) == ("escalated", "failed")
    assert "the model could not be asked" in outcome.summary


async def test_replies_are_limited(attempt: Attempt, model: Any, runs: Callable[..., Any]) -> None:
    model.script = lambda turn, request: runs("true")
    outcome = await attempt.hold(replies=3)
    assert outcome.session == "failed"
    assert outcome.summary == "no conclusion after 3 replies, the most an attempt may have"
    assert len(model.requests) == 3


async def test_tokens_are_limited(attempt: Attempt, model: Any, runs: Callable[..., Any]) -> None:
    model.script = lambda turn, request: runs("true")
    outcome = await attempt.hold(tokens=50)
    assert outcome.session == "failed"
    assert outcome.summary == "the attempt used 60 tokens, more than its 50"


async def test_time_is_limited_and_the_command_that_took_it_is_ended(
    attempt: Attempt, model: Any, runs: Callable[..., Any], tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    model.replies(runs(f"echo $$ > {pid}; exec sleep 300"))
    outcome = await attempt.hold(seconds=4)
    assert outcome == Outcome("escalated", "failed", "the attempt took longer than its 4 s")
    await attempt.shell.__aexit__()
    assert not (Path("/proc") / pid.read_text().strip()).exists()


async def test_an_operator_that_observes_runs_nothing_and_says_so(
    attempt: Attempt, model: Any, says: Callable[..., Any], runs: Callable[..., Any], tmp_path: Path
) -> None:
    model.replies(runs(f"touch {tmp_path}/ran"), says("ESCALATED: I may not."))
    await attempt.hold(execute=False)
    assert not (tmp_path / "ran").exists()
    (row,) = attempt.rows("tool_result")
    assert row["content"].startswith("not run: this operator only observes")
    assert row["exit_code"] is None
    (result,) = model.results()
    assert result["is_error"] is True


async def test_a_call_without_a_command_is_answered_and_recorded(
    attempt: Attempt, model: Any, says: Callable[..., Any], runs: Callable[..., Any]
) -> None:
    reply = runs("true")
    reply["content"][1]["input"] = {"cmd": "true"}
    model.replies(reply, says("ESCALATED: I cannot."))
    await attempt.hold()
    assert [kind for kind, _ in attempt.entries()] == ["reasoning", "tool_call", "tool_result", "reasoning"]
    (result,) = model.results()
    assert result["is_error"] is True


@pytest.mark.filterwarnings("ignore:Tool 'bash' not found")
async def test_a_call_of_a_tool_that_we_lack_is_answered_and_recorded(
    attempt: Attempt, model: Any, says: Callable[..., Any], runs: Callable[..., Any]
) -> None:
    model.replies(runs("true", tool="bash"), says("ESCALATED: I cannot."))
    await attempt.hold()
    (row,) = attempt.rows("tool_result")
    assert (row["tool_name"], row["content"]) == ("bash", "Error: Tool 'bash' not found")


async def test_a_credential_is_in_no_entry_and_in_no_request(
    attempt: Attempt,
    model: Any,
    says: Callable[..., Any],
    runs: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    model.replies(runs(f"echo {SECRET}", text=f"Is it {SECRET}?"), says(f"RESOLVED: it was {SECRET}."))
    outcome = await attempt.hold()
    assert SECRET not in outcome.summary
    dump = "\n".join(attempt.database.iterdump())
    assert SECRET not in dump
    assert SECRET not in capsys.readouterr().out
    assert "*" * len(SECRET) in str(model.results())


async def test_what_cannot_be_recorded_is_not_done(
    attempt: Attempt, model: Any, runs: Callable[..., Any], tmp_path: Path
) -> None:
    model.replies(runs(f"touch {tmp_path}/ran"))
    attempt.database.execute("DROP TABLE agent_log_entries")
    with pytest.raises(Exception, match="no such table"):
        await attempt.hold()
    assert not (tmp_path / "ran").exists()


async def test_when_a_result_cannot_be_recorded_the_attempt_ends(
    attempt: Attempt, model: Any, runs: Callable[..., Any], tmp_path: Path
) -> None:
    statement = f'sqlite3.connect("{tmp_path}/operator.db").execute("drop table agent_log_entries")'
    drop = f"python3 -c 'import sqlite3; {statement}'"
    model.script = lambda turn, request: runs(drop, f"touch {tmp_path}/ran-{turn}")
    with pytest.raises(Exception, match="no such table"):
        await attempt.hold()
    assert len(model.requests) == 1
    assert not (tmp_path / "ran-0").exists()


async def test_what_is_printed_tells_the_story(
    attempt: Attempt,
    model: Any,
    says: Callable[..., Any],
    runs: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    model.replies(runs("seq 1 30", text="I count.\nSlowly."), says("RESOLVED: counted."))
    await attempt.hold()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [
        "[Claude] I count.",
        "    Slowly.",
        '[Tool Call] shell {"command": "seq 1 30", "reasoning": "to see"}',
        "[Tool Result] exit 0",
        "    1",
    ]
    assert lines[-2:] == ["    (10 more lines)", "[Claude] RESOLVED: counted."]


async def test_what_a_model_thinks_between_commands_is_on_record(
    attempt: Attempt, model: Any, says: Callable[..., Any], runs: Callable[..., Any]
) -> None:
    reply = runs("true", text="I look.")
    reply["content"][0] = {"type": "thinking", "thinking": "It may be the count.", "signature": "s"}
    model.replies(reply, says("RESOLVED: it was the count."))
    await attempt.hold()
    assert [row["content"] for row in attempt.rows("reasoning")] == [
        "It may be the count.",
        "RESOLVED: it was the count.",
    ]
