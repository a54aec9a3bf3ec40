"""A TiKV stack that somebody else has started, joined by its control socket and left as it was found."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio

from support.stacks.joined import JoinedNode, WitnessedByItsOwner, alone, ask, wake
from support.stacks.stack import NotSteady
from support.stacks.tikv import TikvStack
from support.verdict import BrokenBed


class GivesBack(TikvStack):
    """Remembers what data was there before it was written to, and can put that back."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._found: dict[str, str | None] = {}

    async def write(self, key: str, value: str) -> None:
        if key not in self._found:
            self._found[key] = await self.kept(key)
        await super().write(key, value)

    async def give_back(self) -> None:
        """Let all nodes run, and all data be what it was."""
        for node in self.nodes.values():
            if node.state == "paused":
                await node.resume()
            await node.start()  # one that runs is left alone
        await self.steady(within=self.settles_within)  # or what is written now might be refused
        for key, value in self._found.items():
            if value is None:
                await self.remove(key)
            else:
                await super().write(key, value)


class _Joined(WitnessedByItsOwner, GivesBack):
    """A TiKV cluster of somebody else's."""


@asynccontextmanager
async def joined_tikv(control: Path) -> AsyncIterator[TikvStack]:
    """Use the TiKV stack whose control socket this is.

    At the end its nodes run and its data is what it was. Raises BrokenBed, with nothing changed, when it
    is not in its steady state or another run has joined it.
    """
    stack = _stack_at(control)
    with alone(control.parent, str(control)):
        async with stack, given_back(stack, str(control)):
            yield stack


@asynccontextmanager
async def given_back(stack: GivesBack, name: str) -> AsyncIterator[None]:
    """At the end the nodes of the stack called `name` run, and its data is what it was.

    Raises BrokenBed, with nothing changed, when it is not in its steady state.
    """
    problems = await stack.problems()
    if problems and all(node.state == "running" for node in stack.nodes.values()):
        with suppress(NotSteady):  # PD or a region elects at this moment
            await stack.steady(within=stack.settles_within)
            problems = []
    if problems:
        raise BrokenBed(f"the stack at {name} is not in its steady state: {'; '.join(problems)}")
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await stack.give_back()


async def tidy_tikv(control: Path, *, within: float) -> None:
    """Bring a stack that runs already into its steady state, whatever somebody who joined it has left.

    Raises NotSteady after `within` seconds without that state, BrokenBed when another run has joined it.
    """
    stack = _stack_at(control)
    with alone(control.parent, str(control)):
        async with stack:
            await wake(stack.nodes.values())
            await stack.steady(within=within)


def _stack_at(control: Path) -> _Joined:
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
        keeps_data=known["keeps_data"],
        substitutes=tuple(known["substitutes"]),
        control=control,
    )
