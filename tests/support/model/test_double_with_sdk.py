"""The double behind the real SDK: what an operator built on it will meet."""

from pathlib import Path
from typing import Any

import anthropic
import anyio
import pytest
from anthropic import Anthropic, AsyncAnthropic, beta_async_tool, beta_tool

from support.model import Conversation, ModelDouble, NoAnswer, Reply, Story, on_call_engineer, story

pytestmark = pytest.mark.anyio


@story
def look_twice(conversation: Conversation) -> Story:
    """Runs three commands, two of them at once, and says what they returned."""
    first = yield Reply("I look.", ["echo a"])
    second = yield Reply(f"I saw {first.output}.", ["echo b", "echo c"])
    return Reply(f"RESOLVED: {first.output}, {second.output}")


CONCLUSION = "RESOLVED: ran echo a, ran echo b\nran echo c"


@beta_tool
def shell(command: str, reasoning: str) -> str:
    """Run a command.

    Args:
        command: what to run
        reasoning: why
    """
    assert reasoning
    return f"ran {command}"


@beta_async_tool
async def async_shell(command: str, reasoning: str) -> str:
    """Run a command.

    Args:
        command: what to run
        reasoning: why
    """
    return shell.call({"command": command, "reasoning": reasoning})  # type: ignore[return-value]


ASKED: dict[str, Any] = {
    "max_tokens": 100,
    "model": "claude-x",
    "messages": [{"role": "user", "content": "over_limit:checkout"}],
}


def client(double: ModelDouble) -> Anthropic:
    return Anthropic(base_url=double.url, api_key="dummy", max_retries=0)


@pytest.mark.parametrize("options", [{}, {"thread": False}])
async def test_the_tool_runner_works_the_script_to_its_end(options: dict[str, Any]) -> None:
    async with ModelDouble(look_twice) as double:

        def run() -> str:
            runner = client(double).beta.messages.tool_runner(tools=[shell], **ASKED, **options)
            return runner.until_done().content[0].text  # type: ignore[union-attr]

        assert await anyio.to_thread.run_sync(run) == CONCLUSION
        assert len({each.conversation for each in double.exchanges}) == 1
        continued = [each.request.get("thread", {}).get("type") for each in double.exchanges]
        assert continued == ([None] * 3 if options else ["create", "continue", "continue"])


async def test_the_streaming_tool_runner_works_the_script_to_its_end() -> None:
    async with ModelDouble(look_twice) as double:

        def run() -> list[str]:
            runner = client(double).beta.messages.tool_runner(tools=[shell], stream=True, **ASKED)
            return [stream.get_final_message().content[0].text for stream in runner]  # type: ignore[union-attr]

        assert await anyio.to_thread.run_sync(run) == ["I look.", "I saw ran echo a.", CONCLUSION]
        assert double.unanswered == ()


@pytest.mark.parametrize("options", [{}, {"thread": False}])
async def test_the_async_tool_runner_works_the_script_to_its_end(options: dict[str, Any]) -> None:
    async with ModelDouble(look_twice) as double:
        asking = AsyncAnthropic(base_url=double.url, auth_token="dummy", max_retries=0)
        runner = asking.beta.messages.tool_runner(tools=[async_shell], **ASKED, **options)
        message = await runner.until_done()
        await asking.close()
        assert message.content[0].text == CONCLUSION  # type: ignore[union-attr]


async def test_a_plain_message_and_a_plain_stream_are_answered() -> None:
    async with ModelDouble(lambda conversation: Reply("Grüße " * 40)) as double:
        asking = AsyncAnthropic(base_url=double.url, api_key="dummy", max_retries=0)
        message = await asking.messages.create(**ASKED)
        async with asking.messages.stream(**ASKED) as stream:
            pieces = [piece async for piece in stream.text_stream]
        await asking.close()
    assert message.content[0].text == "Grüße " * 40  # type: ignore[union-attr]
    assert "".join(pieces) == "Grüße " * 40
    assert len(pieces) > 1


async def test_a_tool_that_raises_comes_back_as_an_error() -> None:
    @beta_async_tool
    async def shell(command: str) -> str:
        """Run a command.

        Args:
            command: what to run
        """
        raise OSError("no such shell")

    heard = []

    @story
    def script(conversation: Conversation) -> Story:
        """Runs one command."""
        seen = yield Reply("I look.", ["ls"])
        heard.extend(seen.results)
        return Reply("ESCALATED: no shell")

    async with ModelDouble(script) as double:
        asking = AsyncAnthropic(base_url=double.url, api_key="dummy", max_retries=0)
        await asking.beta.messages.tool_runner(tools=[shell], **ASKED).until_done()
        await asking.close()
    assert heard[0].is_error
    assert "no such shell" in heard[0].text


async def test_no_answer_raises_a_bad_request_that_is_not_tried_again() -> None:
    def script(conversation: Conversation) -> Reply:
        raise NoAnswer("it knows nothing")

    async with ModelDouble(script) as double:
        asking = AsyncAnthropic(base_url=double.url, api_key="dummy")
        with pytest.raises(anthropic.BadRequestError, match="it knows nothing"):
            await asking.beta.messages.tool_runner(tools=[async_shell], **ASKED).until_done()
        await asking.close()
        assert len(double.exchanges) == 1


async def test_a_thread_lost_with_its_double_is_replayed_in_full() -> None:
    async with ModelDouble(look_twice) as lost, ModelDouble(look_twice) as double:
        asking = AsyncAnthropic(base_url=lost.url, api_key="dummy", max_retries=0)
        runner = asking.beta.messages.tool_runner(tools=[async_shell], **ASKED)
        await anext(runner)
        asking.base_url = double.url
        message = await runner.until_done()
        await asking.close()
        assert message.content[0].text == CONCLUSION  # type: ignore[union-attr]
        assert [each.status for each in double.exchanges] == [404, 200, 200]


async def test_the_engineer_repairs_a_real_counter_through_the_sdk(
    ratelimiter: Any, path_with: Any, tmp_path: Path
) -> None:
    env = {"PATH": path_with("bash"), "RATELIMITER_URL": ratelimiter.url}

    @beta_async_tool
    async def shell(command: str, reasoning: str) -> str:
        """Run a command.

        Args:
            command: what to run
            reasoning: why
        """
        ran = await anyio.run_process(["/bin/bash", "-c", command], env=env, check=False)
        return f"exit status {ran.returncode}\n{ran.stdout.decode()}{ran.stderr.decode()}"

    async with ModelDouble(on_call_engineer, evidence=tmp_path / "model.jsonl") as double:
        asking = AsyncAnthropic(base_url=double.url, api_key="dummy", max_retries=0)
        runner = asking.beta.messages.tool_runner(tools=[shell], max_iterations=20, **ASKED)
        message = await runner.until_done()
        await asking.close()
    assert message.content[0].text.startswith('RESOLVED: counter "checkout"')  # type: ignore[union-attr]
    assert ratelimiter.counts["checkout"] == 0
    assert len((tmp_path / "model.jsonl").read_text().splitlines()) == 4
