"""A story is told again for every request and keeps nothing in between."""

import pytest

from support.model import Conversation, NoAnswer, Reply, Result, Story, Tool, ToolCall, Turn, story
from support.model.conversation import conversation_from
from support.model.tools import shell_call, shell_tool


@story
def two_steps(conversation: Conversation) -> Story:
    """Looks, then looks at what it saw."""
    seen = yield Reply("I look.", ["ls"])
    more = yield Reply(f"I saw {seen.output}.", [f"cat {seen.output}"])
    return Reply(f"RESOLVED: {more.output}")


def asked(*turns: Turn) -> Conversation:
    return Conversation("c", "m", "", (), "over_limit:checkout", turns)


def turn(command: str, output: str) -> Turn:
    return Turn("", (ToolCall("shell", {"command": command, "why": "x"}),), (Result(output),))


def test_a_story_goes_on_from_what_the_tools_returned() -> None:
    assert two_steps(asked()).commands == ["ls"]
    assert two_steps(asked(turn("ls", "a.txt"))).commands == ["cat a.txt"]
    assert two_steps(asked(turn("ls", "b"), turn("cat b", "ok"))).text == "RESOLVED: ok"


def test_a_story_answers_two_conversations_in_turn() -> None:
    assert two_steps(asked(turn("ls", "a"))).text == "I saw a."
    assert two_steps(asked()).text == "I look."
    assert two_steps(asked(turn("ls", "b"))).text == "I saw b."


def test_a_history_that_is_not_the_storys_has_no_answer() -> None:
    with pytest.raises(NoAnswer, match=r"turn 1 .* wanted to run 'ls'"):
        two_steps(asked(turn("rm -rf /", "")))


def test_an_operator_that_goes_on_after_the_conclusion_gets_no_answer() -> None:
    with pytest.raises(NoAnswer, match="had concluded in turn 3"):
        two_steps(asked(turn("ls", "b"), turn("cat b", "ok"), Turn("RESOLVED: ok", heard="sure?")))


def test_a_story_keeps_its_name_for_messages() -> None:
    assert two_steps.__name__ == "two_steps"


def test_a_history_is_read_whole() -> None:
    conversation = conversation_from(
        name="c",
        model="m",
        system=[{"type": "text", "text": "You are on call."}],
        tools=[{"name": "shell", "input_schema": {"properties": {"command": {"type": "string"}}}}],
        messages=[
            {"role": "user", "content": "over_limit:checkout"},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "1", "name": "shell", "input": {"command": "a"}},
                    {"type": "tool_use", "id": "2", "name": "shell", "input": {"command": "b"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "2", "content": "no", "is_error": True},
                    {
                        "type": "tool_result",
                        "tool_use_id": "1",
                        "content": [{"type": "text", "text": "yes"}],
                    },
                    {"type": "text", "text": "Go on."},
                ],
            },
        ],
    )
    assert conversation.asked == "over_limit:checkout"
    assert conversation.system == "You are on call."
    assert conversation.shell is not None
    [only] = conversation.turns
    assert only.text == "I look."
    assert [call.input["command"] for call in only.calls] == ["a", "b"]
    assert only.results == (Result("yes"), Result("no", is_error=True))
    assert only.heard == "Go on."


def tool(name: str, *required: str, **properties: dict[str, object]) -> Tool:
    return Tool(name, {"properties": properties, "required": list(required)})


STRING: dict[str, object] = {"type": "string"}


@pytest.mark.parametrize("name", ["command", "cmd", "script", "bash", "input"])
def test_a_tool_that_takes_a_command_is_a_shell(name: str) -> None:
    shell = tool("run", name, **{name: STRING})
    assert shell_tool([tool("search", "query", query=STRING), shell]) is shell
    assert shell_call(shell, "ls", said="I look.").input == {name: "ls"}


def test_a_tool_called_a_shell_is_preferred() -> None:
    other, bash = tool("note", "input", input=STRING), tool("Bash", "command", command=STRING)
    assert shell_tool([other, bash]) is bash


def test_the_vendors_bash_tool_is_a_shell_without_a_schema() -> None:
    bash = Tool("bash", type="bash_20250124")
    assert shell_call(bash, "ls", said="").input == {"command": "ls"}


def test_a_command_that_is_no_string_is_no_shell() -> None:
    assert shell_tool([tool("run", "command", command={"type": "array"})]) is None


def test_other_required_properties_are_filled_and_optional_ones_left_out() -> None:
    shell = tool(
        "shell",
        "command",
        "reasoning",
        "sudo",
        "seconds",
        "mode",
        command=STRING,
        reasoning=STRING,
        sudo={"type": "boolean"},
        seconds={"type": "integer", "minimum": 1},
        mode={"type": "string", "enum": ["fast", "slow"]},
        cwd=STRING,
    )
    assert shell_call(shell, "ls", said="I look.").input == {
        "command": "ls",
        "reasoning": "I look.",
        "sudo": False,
        "seconds": 1,
        "mode": "fast",
    }
