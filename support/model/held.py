"""Conversations that are held at a chosen moment, so that what happens then is no matter of luck.

hold = Hold()
bed.script = held(MOMENTS["it waits for the model's first answer"], hold, lock=lock)
await hold.reached()
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio

from support.model.conversation import Conversation
from support.model.script import Reply

SIGN = "held"
"""What a command that holds the agent makes in the agent's TMPDIR, to say that it runs."""

_LOOK = "echo looked"
_FIRST, _SECOND = 0, 1


class Hold:
    """A point that the first to come to it does not pass until it is let go; those after it pass."""

    def __init__(self) -> None:
        self._reached = anyio.Event()
        self._let_go = anyio.Event()

    @property
    def taken(self) -> bool:
        """Whether somebody has come to the point."""
        return self._reached.is_set()

    def reach(self) -> None:
        """Note that somebody has come to the point."""
        self._reached.set()

    async def stay(self) -> None:
        """Come to the point, and stay there as the first one."""
        if self.taken:
            return
        self.reach()
        await self._let_go.wait()

    async def reached(self) -> None:
        """Return when somebody has come to the point."""
        await self._reached.wait()

    def let_go(self) -> None:
        """Let whoever is held go on."""
        self._let_go.set()


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A moment in a ticket at which an agent can be held.

    The model keeps back its reply number `reply`; or it has a `command` run that does not end; or nobody can
    record anything (`locked`) from the moment it gives its conclusion.
    """

    reply: int | None = None
    command: str | None = None
    locked: bool = False


def _once(then: str) -> str:
    """A command that does `then` the first time it is run, after it has said so, and nothing after that."""
    return f'if mkdir "$TMPDIR/{SIGN}" 2>/dev/null; then {then}; fi; {_LOOK}'


MOMENTS: Mapping[str, Moment] = {
    "it waits for the model's first answer": Moment(reply=_FIRST),
    "it waits for the model between two commands": Moment(reply=_SECOND),
    "it runs a command": Moment(command=_once("exec sleep 3600")),
    "it runs a command that will not be stopped": Moment(
        command=_once("trap '' TERM INT HUP; while :; do sleep 3600; done")
    ),
    "it runs a command that has started others in sessions of their own": Moment(
        command=_once("(setsid sh -c 'trap \"\" TERM INT HUP; sleep 3600 & wait' &); setsid sleep 3600")
    ),
    "the model's conclusion is not on record yet": Moment(locked=True),
}
"""The moments of a ticket, by the words that follow "held while"."""


def held(
    moment: Moment, hold: Hold, *, lock: Callable[[], None]
) -> Callable[[Conversation], Awaitable[Reply]]:
    """A script of two commands and a conclusion, held once at this moment, and not again after it.

    A command that holds the agent makes `SIGN`, which is to be watched for by the caller. `lock` keeps
    everybody from recording anything until the caller lets them.
    """

    async def look_twice(conversation: Conversation) -> Reply:
        turns = len(conversation.turns)
        if moment.reply == turns:
            await hold.stay()
        if turns == _FIRST:
            return Reply("I look at the counter first.", [moment.command or _LOOK])
        if turns == _SECOND:
            return Reply("I look once more.", [_LOOK])
        if moment.locked and not hold.taken:
            lock()
            hold.reach()
        return Reply("RESOLVED: I looked twice; nothing was to be done.")

    return look_twice


def keep_waiting(
    hold: Hold, script: Callable[[Conversation], Reply]
) -> Callable[[Conversation], Awaitable[Reply]]:
    """Keep the first request waiting until the hold lets go, and answer by `script`."""

    async def answer(conversation: Conversation) -> Reply:
        await hold.stay()
        return script(conversation)

    return answer
