"""An agent is held at a moment of its ticket once, and whoever comes after it passes."""

import os
import subprocess
from pathlib import Path

import anyio
import pytest

from support.model import Conversation, Reply, Result, ToolCall, Turn
from support.model.held import MOMENTS, SIGN, Hold, held, keep_waiting

pytestmark = pytest.mark.anyio


def after(turns: int) -> Conversation:
    turn = Turn("", (ToolCall("shell", {"command": "echo looked"}),), (Result("looked"),))
    return Conversation("c", "m", "", (), "over_limit:checkout", (turn,) * turns)


def never() -> None:
    raise AssertionError("nothing is to be locked here")


@pytest.mark.parametrize(
    ("moment", "turns"),
    [("it waits for the model's first answer", 0), ("it waits for the model between two commands", 1)],
)
async def test_the_first_is_held_until_it_is_let_go_and_others_pass(moment: str, turns: int) -> None:
    hold = Hold()
    script = held(MOMENTS[moment], hold, lock=never)
    answered: list[Reply] = []

    async def ask() -> None:
        answered.append(await script(after(turns)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await hold.reached()
        assert hold.taken
        await ask()
        assert len(answered) == 1
        hold.let_go()
    assert len(answered) == 2


async def test_other_replies_are_not_held() -> None:
    script = held(MOMENTS["it waits for the model between two commands"], Hold(), lock=never)
    assert (await script(after(0))).commands == ["echo looked"]
    assert (await script(after(2))).text.startswith("RESOLVED:")


async def test_nobody_can_record_anything_from_the_first_conclusion_on() -> None:
    hold, locks = Hold(), []
    moment = MOMENTS["the model's conclusion is not on record yet"]
    script = held(moment, hold, lock=lambda: locks.append("locked"))
    await script(after(1))
    assert not hold.taken
    await script(after(2))
    await script(after(2))
    assert hold.taken
    assert locks == ["locked"]


async def test_a_script_can_be_kept_waiting_as_a_whole() -> None:
    hold = Hold()
    script = keep_waiting(hold, lambda _: Reply("RESOLVED: done."))
    with anyio.move_on_after(0.01) as limit:
        await script(after(0))
    assert limit.cancelled_caught
    assert (await script(after(0))).text == "RESOLVED: done."


@pytest.mark.parametrize("words", [words for words, moment in MOMENTS.items() if moment.command])
def test_a_command_that_holds_says_so_and_holds_once(words: str, tmp_path: Path) -> None:
    command = MOMENTS[words].command or ""
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    (tmp_path / SIGN).mkdir()  # as the first time has left it
    again = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert again.stdout == "looked\n"
