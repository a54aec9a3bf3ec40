"""The demo that people watch.

usage: python -m demo tikv | ratelimiter [--operator PROFILE.toml] [--join SOCKET] [--auto] [--pace SECONDS]
                      [--model double | environment] [--theme dark | light] [--record FILE.svg]
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from demo.app import DemoApp
from demo.driver import SturdyDriver
from demo.stage import Order
from demo.subjects import SUBJECTS
from support.preparation import BUILT_IN
from support.profile import ProfileError, check_commands, load_profile
from support.terminal import open_missing, say

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_USAGE = 2
_SAMPLE_EVERY = 0.25
"""Seconds, unless the pace is so quick that it would take most of it."""
_ROOT = Path(__file__).parents[1]
_LIGHT = ("7", "15")
"""What the last number of COLORFGBG is on a light terminal (rxvt)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the demo and return its exit status: 0 it was left or came to its end, 1 it could not go on."""
    open_missing()
    options = _parser().parse_args(arguments)
    try:
        profile = load_profile(options.operator)
        check_commands(profile)
    except ProfileError as error:
        say(f"{error}\n", sys.stderr)
        return _USAGE
    if not options.auto and not sys.stdin.isatty():
        say(
            "The demo is led by keys, so it needs a terminal; without one try --auto --record FILE.svg\n",
            sys.stderr,
        )
        return _USAGE
    order = Order(
        subject=SUBJECTS[options.subject],
        profile=profile,
        model=options.model,
        control=options.join,
        database=Path(os.environ["OPERATOR_DB"]) if os.environ.get("OPERATOR_DB") else None,
        environ=dict(os.environ),
        sample_every=min(_SAMPLE_EVERY, options.pace / 3),
    )
    return anyio.run(_perform, order, options)


async def _perform(order: Order, options: argparse.Namespace) -> int:
    app = DemoApp(
        order, pace=options.pace, auto=options.auto, light=options.theme == "light", record=options.record
    )
    app.driver_class = SturdyDriver
    ended: list[signal.Signals] = []

    async def leave_on_signal() -> None:
        with anyio.open_signal_receiver(*_ENDS) as signals:
            async for number in signals:
                ended.append(number)
                app.leave()

    async def leave_at_the_end() -> None:
        await app.story.over.wait()
        if options.auto:
            await anyio.sleep(options.pace)
            app.leave()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leave_on_signal)
        tasks.start_soon(leave_at_the_end)
        async with anyio.create_task_group() as playing:
            playing.start_soon(app.story.play)
            await app.run_async(headless=not sys.stdin.isatty(), mouse=False)
            app.story.leave()
        tasks.cancel_scope.cancel()
    if app.story.failed is not None:
        say(f"The demo could not go on: {app.story.failed}\n", sys.stderr)
        return 1
    if ended:
        return 128 + ended[0]
    return 0 if app.story.complete or not options.auto else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description="The demo that people watch.")
    parser.add_argument("subject", choices=sorted(SUBJECTS), help="the kind of system to show")
    parser.add_argument(
        "--operator",
        type=Path,
        default=_ROOT / BUILT_IN,
        metavar="PROFILE.toml",
        help="the operator to show; by default the built-in one",
    )
    parser.add_argument(
        "--join",
        type=Path,
        default=os.environ.get("STACKCTL_SOCKET") or None,
        metavar="SOCKET",
        help="join the stack with this control socket, by default that of STACKCTL_SOCKET; "
        "without either, the demo starts one",
    )
    parser.add_argument(
        "--model",
        choices=["double", "environment"],
        default="double",
        help="the LLM behind the agent: the scripted stand-in, or the one that ANTHROPIC_BASE_URL and "
        "ANTHROPIC_API_KEY name, which then runs its commands on this machine",
    )
    parser.add_argument("--auto", action="store_true", help="play all chapters without keys, and leave")
    parser.add_argument(
        "--pace", type=float, default=2.0, metavar="SECONDS", help="how long a chapter is shown at least"
    )
    parser.add_argument("--theme", choices=["dark", "light"], default=_theme(), help="can be changed by key")
    parser.add_argument("--record", type=Path, metavar="FILE.svg", help="keep the last screen")
    return parser


def _theme() -> str:
    return "light" if os.environ.get("COLORFGBG", "").rpartition(";")[2] in _LIGHT else "dark"


if __name__ == "__main__":
    sys.exit(main())
