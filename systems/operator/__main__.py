"""The operator's command line: `monitor run` and `agent`."""

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from systems.operator.database import UnusableDatabaseError
from systems.operator.masking import CREDENTIALS
from systems.operator.output import complain, leave

_USAGE_ERROR = 2
_DEFAULT_MODEL = "claude-sonnet-5-5"
_SAFETY_MODES = ("observe", "execute")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the process that `arguments` name; its exit status."""
    options = _parser(environment).parse_args(arguments)
    try:
        status = options.run(options, environment)
    except UnusableDatabaseError as error:
        complain(str(error))
        return 1
    return int(status)


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    from systems.operator.subjects import SUBJECTS

    parser = argparse.ArgumentParser(prog="python -m systems.operator", description=__doc__)
    processes = parser.add_subparsers(required=True, metavar="PROCESS")
    monitor = processes.add_parser("monitor", help="watch a system and file tickets")
    actions = monitor.add_subparsers(required=True, metavar="ACTION")
    run = actions.add_parser("run", help="check until told to stop")
    run.add_argument("--subject", required=True, choices=sorted(SUBJECTS), help="what to watch")
    run.add_argument("--db", required=True, type=Path, metavar="PATH", help="the ticket database")
    _setting(
        run,
        environment,
        "-i",
        "--interval",
        kind=_seconds,
        default=5.0,
        help="seconds from check to check",
    )
    _setting(
        run,
        environment,
        "--drift-threshold",
        kind=_count,
        default=5,
        help="by how many requests API and Redis may differ",
    )
    _setting(
        run,
        environment,
        "--drift-seconds",
        kind=_seconds,
        default=30.0,
        help="for how long they may differ by more",
    )
    run.set_defaults(run=_monitor)
    agent = processes.add_parser("agent", help="work the tickets")
    agent.add_argument("db", type=Path, metavar="PATH", help="the ticket database")
    _setting(
        agent,
        environment,
        "--command-timeout",
        kind=_seconds,
        default=60.0,
        help="seconds that one command may take",
    )
    _setting(
        agent,
        environment,
        "--ticket-replies",
        kind=_count,
        default=40,
        help="replies of the model that one attempt at a ticket may take",
    )
    _setting(
        agent,
        environment,
        "--ticket-tokens",
        kind=_count,
        default=500_000,
        help="tokens that one attempt may use",
    )
    _setting(
        agent,
        environment,
        "--ticket-seconds",
        kind=_seconds,
        default=600.0,
        help="seconds that one attempt may take",
    )
    _setting(
        agent,
        environment,
        "--answer-seconds",
        kind=_seconds,
        default=120.0,
        help="seconds to wait for an answer of the model",
    )
    _setting(
        agent,
        environment,
        "--answer-retries",
        kind=_count_or_none,
        default=2,
        help="how often an answer that failed is asked for again",
    )
    agent.set_defaults(run=_agent)
    return parser


def _setting(
    parser: argparse.ArgumentParser,
    environment: Mapping[str, str],
    *flags: str,
    kind: Callable[[str], float],
    default: float,
    help: str,  # noqa: A002 (argparse's word)
) -> None:
    """An option that may also come from the environment, as OPERATOR_ and its long name."""
    variable = "OPERATOR_" + flags[-1].removeprefix("--").replace("-", "_").upper()
    given = environment.get(variable)
    parser.add_argument(
        *flags,
        type=kind,
        # A text goes through `kind`, so that a bad value is an error like a bad option's.
        default=default if given is None else given,
        metavar="N",
        help=f"{help} ({variable}; {default:g} by default)",
    )


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return value


def _count_or_none(text: str) -> int:
    return 0 if text == "0" else _count(text)


def _monitor(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from systems.operator.monitor import MonitorSettings, run_monitor
    from systems.operator.subjects import SUBJECTS, Thresholds

    for name in SUBJECTS[options.subject].variables:
        if not environment.get(name):
            complain(f"{name} is not set; the monitor of {options.subject} needs it")
            return _USAGE_ERROR
    settings = MonitorSettings(
        subject=options.subject,
        interval=options.interval,
        database=options.db,
        thresholds=Thresholds(options.drift_threshold, options.drift_seconds),
    )
    return run_monitor(settings, environment)


def _agent(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from systems.operator.agent import AgentSettings, run_agent
    from systems.operator.conversation import Limits

    if not any(environment.get(name) for name in CREDENTIALS):
        complain(f"{CREDENTIALS[0]} is not set; the agent needs it to ask its model")
        return _USAGE_ERROR
    mode = environment.get("OPERATOR_SAFETY_MODE") or _SAFETY_MODES[0]
    if mode not in _SAFETY_MODES:
        complain(f"OPERATOR_SAFETY_MODE is {mode!r}; it may be {' or '.join(_SAFETY_MODES)}")
        return _USAGE_ERROR
    settings = AgentSettings(
        database=options.db,
        model=environment.get("OPERATOR_MODEL") or _DEFAULT_MODEL,
        execute=mode == "execute",
        command_seconds=options.command_timeout,
        limits=Limits(options.ticket_replies, options.ticket_tokens, options.ticket_seconds),
        answer_seconds=options.answer_seconds,
        answer_retries=options.answer_retries,
    )
    return run_agent(settings, environment)


def _stop_before_start(*_: object) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    # Until the process has its own way of stopping there is nothing to put in order.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop_before_start)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Whatever the locale: what a model or a command says can hold any character.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    leave(main(sys.argv[1:], os.environ))
