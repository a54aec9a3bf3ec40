"""`acceptance`: what this machine can run, a stack to play with, and the end of what crashed runs left.

usage: acceptance doctor | up SUBJECT | clean | report [merge] [DIR…] | prove | repeat --times N …
"""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from support import repeat
from support.config import SettingError, load_settings
from support.machine import default_run, docker
from support.machine.finding import Unready
from support.machine.temporary import home
from support.prove import command as prove
from support.report import commands as report
from support.stacks.stack import Stack
from support.supervisor import GuardianFailed, sweep
from support.terminal import say
from support.up import up

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done, 1 not done, 2 wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["report"]:
        return report.main(words[1:])
    if words[:1] == ["prove"]:
        return prove.main(words[1:])
    if words[:1] == ["repeat"]:
        return repeat.main(words[1:])
    options = _parser().parse_args(words)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (GuardianFailed, SettingError, Unready) as error:
        say(f"{error}\n", sys.stderr)
        return 1


def doctor(_: argparse.Namespace) -> int:
    """Say what this machine can run, why not the rest, and the next step."""
    needed = [look(os.environ) for look in default_run.NEEDED]
    usable = [*docker.findings(os.environ), *(look(os.environ) for look in default_run.USABLE)]
    for title, findings in (("Needed by the default run", needed), ("Of use to other runs", usable)):
        say(f"{title}\n", sys.stdout)
        for finding in findings:
            say(f"  {'ok' if finding.fits else 'no'}  {finding.name}: {finding.seen}\n", sys.stdout)
            if not finding.fits:
                say(f"      try: {finding.next_step}\n", sys.stdout)
    if all(finding.fits for finding in needed):
        say("The default run can run here. Next: uv run behave\n", sys.stdout)
        return 0
    say(
        "The default run cannot run here. Next: what is said above, and acceptance doctor again\n", sys.stdout
    )
    return 1


def start_stack(options: argparse.Namespace) -> int:
    """Start a stack to play with until Ctrl-C."""
    settings = load_settings(defines={"join": ""}, environ=os.environ, file={}, base=Path.cwd())
    default_run.require([options.subject], settings)
    return up(options.subject, settings, _tell)


def clean(_: argparse.Namespace) -> int:
    """Remove what crashed runs left, and nothing of runs that live or of anybody else."""
    found = sweep(home())
    for left in found:
        if left.unknown:
            say(
                f"left alone {left.directory}: {left.unknown}; another version of this suite has started it, "
                "whose own `acceptance clean` removes it\n",
                sys.stdout,
            )
            continue
        say(f"removed {left.directory}\n", sys.stdout)
        for process in left.processes:
            say(f"ended {process.command} (pid {process.pid})\n", sys.stdout)
        for what in left.containers:
            say(f"still there: {what}\n", sys.stdout)
    if not found:
        say("Nothing was left by crashed runs.\n", sys.stdout)
    return 1 if any(left.containers for left in found) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="acceptance", description="The acceptance suite's own commands; the suite itself is: behave"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("report", help="Render a saved result again, or merge several to one.")
    commands.add_parser("prove", help="Put the suite before operators that are bad on purpose.")
    commands.add_parser("repeat", help="Run scenarios again and again, and say which are flaky.")
    for name, function in (("doctor", doctor), ("up", start_stack), ("clean", clean)):
        text = (function.__doc__ or "").strip()
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=function)
        if name == "up":
            command.add_argument(
                "subject", choices=["ratelimiter", "tikv"], help="the kind of system to start"
            )
    return parser


_WORDS = {"ratelimiter": "A rate limiter stack", "tikv": "A TiKV stack"}
_TO_TRY = {
    "ratelimiter": "curl $RATELIMITER_URL/api/nodes",
    "tikv": "curl $PD_ENDPOINT/pd/api/v1/stores",
}


def _tell(stack: Stack, bin_: Path) -> None:
    made_of = f" ({', '.join(stack.substitutes)})" if stack.substitutes else ""
    exports = "".join(f"  export {name}={shlex.quote(text)}\n" for name, text in stack.environment.items())
    say(
        f"{_WORDS[stack.subject]} is in its steady state{made_of}: {', '.join(stack.nodes)}\n"
        "To use it from another terminal:\n" + exports + f"  export PATH={shlex.quote(str(bin_))}:$PATH\n"
        f"  {_TO_TRY[stack.subject]}\n"
        "  stackctl ps\n"
        f"  uv run behave -D join=$STACKCTL_SOCKET --tags @{stack.subject}\n"
        "Ctrl-C stops it and leaves nothing.\n",
        sys.stdout,
    )


if __name__ == "__main__":
    sys.exit(main())
