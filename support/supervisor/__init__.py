"""Real processes under supervision: start, output, readiness, stop, and nothing left behind.

with Guardian.start(home) as guardian:
    async with Supervisor(guardian.directory / "spools", guardian=guardian) as supervisor:
        monitor = await supervisor.start(Command(name="monitor", argv=[...], cwd=..., env=...,
        ready=LogLine("up"))) await monitor.output.line("2 violations", within=5)
"""

from support.supervisor.commands import Command, Exit, Terminal
from support.supervisor.errors import (
    CannotStart,
    DiedEarly,
    LeftBehind,
    NotReady,
    NotSeen,
    ProcessError,
    Unexpected,
)
from support.supervisor.guardian import Guardian, GuardianFailed, Leftovers, sweep
from support.supervisor.leftovers import ProcessInfo
from support.supervisor.output import Mark, Output, Stream
from support.supervisor.ports import ReservedPort, reserve_port
from support.supervisor.process import Process
from support.supervisor.readiness import All, Any_, Http, LogLine, Port, Readiness, Succeeds
from support.supervisor.reading import Line
from support.supervisor.spool import Mask, Spool
from support.supervisor.supervisor import Supervisor

__all__ = [
    "All",
    "Any_",
    "CannotStart",
    "Command",
    "DiedEarly",
    "Exit",
    "Guardian",
    "GuardianFailed",
    "Http",
    "LeftBehind",
    "Leftovers",
    "Line",
    "LogLine",
    "Mark",
    "Mask",
    "NotReady",
    "NotSeen",
    "Output",
    "Port",
    "Process",
    "ProcessError",
    "ProcessInfo",
    "Readiness",
    "ReservedPort",
    "Spool",
    "Stream",
    "Succeeds",
    "Supervisor",
    "Terminal",
    "Unexpected",
    "reserve_port",
    "sweep",
]
