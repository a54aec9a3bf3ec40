"""A stack of its own, until somebody ends it."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anyio

from support.machine.finding import Unready
from support.stacks.control import install
from support.stacks.process import ratelimiter_on_processes
from support.stacks.shared import STEADY_WITHIN
from support.stacks.stack import NotSteady
from support.supervisor import Guardian, Supervisor, sweep
from support.terminal import say
from support.verdict import BrokenBed

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Tell = Callable[[Mapping[str, str], Sequence[str], Path], None]
"""Is told of a stack once it is steady: its environment, its nodes' URLs, the directory of stackctl."""


def up(tell: Tell) -> int:
    """Start a rate limiter stack, tell of it, and wait for SIGINT, SIGTERM or SIGHUP; nothing is left then.

    Returns the exit status, 0. Raises Unready when the stack does not come up.
    """
    sweep()
    with Guardian.start() as guardian:
        try:
            anyio.run(_stay_up, guardian, tell)
        except* (BrokenBed, NotSteady) as errors:
            raise Unready("\n".join(map(str, _leaves(errors)))) from errors
    return 0


async def _stay_up(guardian: Guardian, tell: Tell) -> None:
    with anyio.open_signal_receiver(*_ENDS) as signals:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_run_stack, guardian, tell)
            async for number in signals:
                say(f"{number.name}: stopping\n", sys.stderr)
                tasks.cancel_scope.cancel()
                return


async def _run_stack(guardian: Guardian, tell: Tell) -> None:
    directory, bin_ = guardian.directory / "s", guardian.directory / "bin"
    directory.mkdir()
    bin_.mkdir()
    install(bin_)
    async with (
        Supervisor(guardian.directory / "spools", guardian=guardian) as supervisor,
        ratelimiter_on_processes(directory=directory, supervisor=supervisor, environ=os.environ) as stack,
    ):
        await stack.steady(within=STEADY_WITHIN)
        tell(stack.environment, stack.urls, bin_)
        await anyio.sleep_forever()


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for member in error.exceptions for leaf in _leaves(member)]
    return [error]
