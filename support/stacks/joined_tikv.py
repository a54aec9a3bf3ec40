"""A TiKV stack that somebody else has started, joined by its control socket; at the end its nodes run."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from support.stacks.joined import JoinedNode, alone, ask, wake
from support.stacks.stack import Change
from support.stacks.tikv import TikvStack
from support.verdict import BrokenBed


class _Joined(TikvStack):
    """The changes are those that the stack's owner has witnessed since the last reset."""

    _since = 0.0

    @property
    def changes(self) -> tuple[Change, ...]:
        assert self._control is not None
        told = json.loads(ask(self._control, "suite", "changes"))
        return tuple(Change(wall=wall, what=what) for wall, what in told if wall > self._since)

    async def reset(self) -> None:
        await super().reset()
        self._since = time.time()


@asynccontextmanager
async def joined_tikv(control: Path) -> AsyncIterator[TikvStack]:
    """Use the TiKV stack whose control socket this is; afterwards all of its nodes run.

    Raises BrokenBed, with nothing changed, when it is not in its steady state or another run has joined it.
    """
    stack = _stack_at(control)
    with alone(control):
        async with stack:
            if problems := await stack.problems():
                raise BrokenBed(f"the stack at {control} is not in its steady state: {'; '.join(problems)}")
            try:
                yield stack
            finally:
                with anyio.CancelScope(shield=True):
                    await wake(stack.nodes.values())


async def tidy_tikv(control: Path, *, within: float) -> None:
    """Bring a stack that runs already into its steady state, whatever somebody who joined it has left.

    Raises NotSteady after `within` seconds without that state, BrokenBed when another run has joined it.
    """
    stack = _stack_at(control)
    with alone(control):
        async with stack:
            await wake(stack.nodes.values())
            await stack.steady(within=within)


def _stack_at(control: Path) -> TikvStack:
    known: Mapping[str, Any] = json.loads(ask(control, "suite", "endpoints"))
    return _Joined(
        {name: JoinedNode(control, name) for name in known["nodes"]},
        pd_urls=known["pd_urls"],
        endpoint=known["endpoint"],
        addresses=known["addresses"],
        advertised=known["advertised"],
        links=None,
        times=known["times"],
        directory=Path(known["directory"]),
        capacity=known["capacity"],
        substitutes=tuple(known["substitutes"]),
        control=control,
    )
