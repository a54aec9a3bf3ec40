"""The command line: errors that name what is wrong, and exit statuses."""

from collections.abc import Callable
from typing import Any

import pytest

MONITOR = ("monitor", "run", "--subject", "ratelimiter", "--db")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "arguments are required: PROCESS"),
        (("monitor",), "arguments are required: ACTION"),
        (("monitor", "run"), "arguments are required: --subject, --db"),
        (("monitor", "run", "--subject", "cinema", "--db", "x"), "invalid choice: 'cinema'"),
        ((*MONITOR, "x", "-i", "0"), "argument -i/--interval: 0 is not a number of seconds above 0"),
        ((*MONITOR, "x", "-i", "often"), "argument -i/--interval: invalid"),
        ((*MONITOR, "x", "-i", "nan"), "nan is not a number of seconds above 0"),
        (("agent",), "arguments are required: PATH"),
        (("agent", "x", "--ticket-replies", "0"), "0 is not a whole number above 0"),
        (("agent", "x", "--cheerful"), "unrecognized arguments: --cheerful"),
    ],
)
def test_bad_usage_is_explained_with_status_2(
    start: Callable[..., Any], arguments: tuple[str, ...], said: str
) -> None:
    process = start(*arguments)
    assert process.ended() == 2
    assert said in process.text


@pytest.mark.parametrize("missing", ["RATELIMITER_URL", "REDIS_URL"])
def test_a_monitor_names_the_variable_that_is_missing(
    start: Callable[..., Any], database: Any, environment: dict[str, str], missing: str
) -> None:
    environment |= {"RATELIMITER_URL": "http://10.0.0.1", "REDIS_URL": "redis://10.0.0.1"}
    process = start(*MONITOR, database.path, **{missing: ""})
    assert process.ended() == 2
    assert process.lines == [f"operator: {missing} is not set; the monitor of ratelimiter needs it"]
    assert not database.path.exists()


def test_an_agent_names_the_variable_that_is_missing(
    start: Callable[..., Any], database: Any, environment: dict[str, str]
) -> None:
    del environment["ANTHROPIC_API_KEY"]
    process = start("agent", database.path)
    assert process.ended() == 2
    assert process.lines == ["operator: ANTHROPIC_API_KEY is not set; the agent needs it to ask its model"]
    assert not database.path.exists()


def test_a_safety_mode_nobody_knows_is_an_error_and_not_a_guess(
    start: Callable[..., Any], database: Any
) -> None:
    process = start("agent", database.path, OPERATOR_SAFETY_MODE="careful")
    assert process.ended() == 2
    assert process.lines == ["operator: OPERATOR_SAFETY_MODE is 'careful'; it may be observe or execute"]


def test_a_setting_from_the_environment_is_checked_like_an_option(
    start: Callable[..., Any], database: Any
) -> None:
    process = start("agent", database.path, OPERATOR_COMMAND_TIMEOUT="-1")
    assert process.ended() == 2
    assert "argument --command-timeout: -1 is not a number of seconds above 0" in process.text


def test_settings_can_come_from_the_environment(
    start: Callable[..., Any], database: Any, model: Any, runs: Callable[..., Any], says: Callable[..., Any]
) -> None:
    model.replies(runs("sleep 300"), says("ESCALATED: it takes too long."))
    agent = start("agent", database.path, OPERATOR_COMMAND_TIMEOUT="0.5")
    agent.wait_for("Agent loop starting")
    database.file_ticket("over_limit:a")
    agent.wait_for(r"\[Tool Result\] exit 124")
    agent.wait_for("timed out after 0.5 s")


@pytest.mark.parametrize("process", ["monitor", "agent"])
def test_a_foreign_database_is_refused_in_one_line(
    start: Callable[..., Any], database: Any, environment: dict[str, str], process: str
) -> None:
    environment |= {"RATELIMITER_URL": "http://10.0.0.1", "REDIS_URL": "redis://10.0.0.1"}
    database.path.write_text("not a database at all")
    started = start(*(MONITOR if process == "monitor" else ("agent",)), database.path)
    assert started.ended() == 1
    (line,) = started.lines
    assert line.startswith(f"operator: {database.path} is not a SQLite database")
    assert database.path.read_text() == "not a database at all"
    assert [path.name for path in database.path.parent.glob("operator.db*")] == ["operator.db"]
