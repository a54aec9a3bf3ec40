"""A stack of its own, until somebody ends it."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import anyio

from support.config import Settings
from support.machine.finding import Unready
from support.machine.temporary import home
from support.stacks.control import install
from support.stacks.process import ratelimiter_on_processes
from support.stacks.stack import NotSteady, Stack
from support.stacks.tikv_on_processes import tikv_on_processes
from support.stacks.tikv_programs import native, stand_ins
from support.supervisor import Guardian, Supervisor, sweep
from support.terminal import say
from support.verdict import BrokenBed

_Open = Callable[[Path, Supervisor], AbstractAsyncContextManager[Stack]]
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Tell = Callable[[Stack, Path], None]
"""Is told of a stack once it is steady, and of the directory of stackctl."""


def up(subject: str, settings: Settings, tell: Tell) -> int:
    """Start a stack of this subject, tell of it, and wait for SIGINT, SIGTERM or SIGHUP.

    Nothing is left then. Returns the exit status, 0. Raises Unready when the stack does not come up.
    """
    sweep(home())
    with Guardian.start(home()) as guardian:
        try:
            anyio.run(_stay_up, partial(_open, subject, settings), guardian, tell)
        except* (BrokenBed, NotSteady) as errors:
            raise Unready("\n".join(map(str, _leaves(errors)))) from errors
    return 0


async def _stay_up(open_stack: _Open, guardian: Guardian, tell: Tell) -> None:
    with anyio.open_signal_receiver(*_ENDS) as signals:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_run_stack, open_stack, guardian, tell)
            async for number in signals:
                say(f"{number.name}: stopping\n", sys.stderr)
                tasks.cancel_scope.cancel()
                return


async def _run_stack(open_stack: _Open, guardian: Guardian, tell: Tell) -> None:
    directory, bin_ = guardian.directory / "s", guardian.directory / "bin"
    directory.mkdir()
    bin_.mkdir()
    install(bin_)
    async with (
        Supervisor(guardian.directory / "spools", guardian=guardian) as supervisor,
        open_stack(directory, supervisor) as stack,
    ):
        await stack.steady(within=stack.settles_within)
        tell(stack, bin_)
        await anyio.sleep_forever()


def _open(
    subject: str, settings: Settings, directory: Path, supervisor: Supervisor
) -> AbstractAsyncContextManager[Stack]:
    if subject == "ratelimiter":
        return ratelimiter_on_processes(directory=directory, supervisor=supervisor, environ=os.environ)
    real = settings.stack == "native"
    programs = native(os.environ, settings.tikv_bin) if real else stand_ins()
    return tikv_on_processes(programs, directory=directory, supervisor=supervisor)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for member in error.exceptions for leaf in _leaves(member)]
    return [error]
