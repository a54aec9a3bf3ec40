"""The suite itself as what is tested: run in a process of its own, in directories of its own."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import anyio

from support.report.model import CriterionResult
from support.report.traceability import from_json
from support.supervisor import Command, Exit, Process, ProcessInfo, Supervisor
from support.verdict import BrokenBed

ENDS: Mapping[str, signal.Signals | None] = MappingProxyType(
    {
        "its own end": None,
        "Ctrl-C": signal.SIGINT,
        "a request to terminate": signal.SIGTERM,
        "a closed terminal": signal.SIGHUP,
        "a kill that it cannot catch": signal.SIGKILL,
    }
)
"""How a run may end, and the signal that brings it about."""

_LISTENING = "0A"
_FAULT_WITHIN = 60.0
_ENDS_WITHIN = 90.0


@dataclass(frozen=True)
class Port:
    """A listening TCP port; `inode` tells it from a later one of the same number."""

    number: int
    inode: str


class SuiteRun:
    """One run of the suite under another; made by `run_suite`."""

    def __init__(self, process: Process, *, reports: Path, home: Path) -> None:
        self.reports = reports
        self._process = process
        self._home = home
        self._ports: frozenset[Port] = frozenset()

    async def ended(self) -> Exit:
        """Wait for its end. Raises AssertionError when it does not come."""
        with anyio.move_on_after(_ENDS_WITHIN):
            return await self._process.wait()
        raise AssertionError(
            f"expected: the acceptance test ends\n  but: it still ran after {_ENDS_WITHIN:g} s\n"
            f"{self._process.output.describe()}"
        )

    async def fault_in_place(self) -> None:
        """Wait until it has injected a fault, and note its ports. Raises AssertionError when it does not."""
        with anyio.move_on_after(_FAULT_WITHIN) as limit:
            while "fault.injected" not in self._events():
                if self._process.exit is not None:
                    break
                await anyio.sleep(0.02)
        if limit.cancelled_caught or "fault.injected" not in self._events():
            raise AssertionError(
                "expected: the acceptance test injects a fault\n  but: it has not\n"
                f"{self._process.output.describe()}"
            )
        self._ports = _listening([self._process.pid, *(info.pid for info in self._members())])
        if not self._ports:
            raise BrokenBed("the acceptance test has a fault in place and no port is open")

    def end_by(self, end: str) -> None:
        """Bring about an end of those in ENDS, unless it is to come by itself."""
        number = ENDS[end]
        if number is not None:
            self._process.signal(number)

    def left(self) -> list[str]:
        """What there still is of it besides its reports: processes, open ports, files."""
        found = [f"process {info.command} (pid {info.pid})" for info in self._members()]
        found += [
            f"port {port.number}" for port in sorted(self._ports & _listening(), key=lambda p: p.number)
        ]
        # The one directory that the runs of a user share stays, and is empty.
        for directory, names, files in os.walk(self._home):  # which bears that they go meanwhile
            if Path(directory) != self._home:
                found += [str(Path(directory, name)) for name in (*names, *files)]
        return found

    def criterion(self, id_: str) -> CriterionResult:
        """What its report says of a criterion. Raises AssertionError when there is no report."""
        report = self.reports / "traceability.json"
        if not report.exists():
            raise AssertionError(
                f"expected: a report of the acceptance test\n  but: there is none\n"
                f"{self._process.output.describe()}"
            )
        results = (c for r in from_json(report.read_bytes()).requirements for c in r.criteria)
        return next(result for result in results if result.id == id_)

    def nodes(self) -> set[str]:
        """The nodes of the stacks that it has started itself."""
        return {path.stem for path in self.reports.glob("evidence/*/stack-*/*.stdout")}

    def _members(self) -> tuple[ProcessInfo, ...]:
        return self._process.descendants()

    def _events(self) -> set[str]:
        return {
            json.loads(line)["kind"]
            for path in self.reports.rglob("timeline.ndjson")
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
            if line.endswith("\n")
        }


@asynccontextmanager
async def run_suite(
    supervisor: Supervisor,
    *,
    criterion: str,
    directory: Path,
    reports: Path,
    feature: str | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
    code: Path | None = None,
) -> AsyncIterator[SuiteRun]:
    """Run the scenarios of a criterion with these settings; `directory` must be short and empty.

    `feature` is the path of a feature, where those in it are enough. `code` is the root of the suite that is
    run, this one unless it is given.

    Scenarios that run the suite are left out, so that none ever runs itself.
    """
    home = directory / "t"
    home.mkdir()
    defined = {**settings, "reports": str(reports)}
    command = Command(
        name="suite",
        argv=[
            *(sys.executable, "-m", "behave", "--stop", "--tags", f"@{criterion} and not @meta"),
            *(word for name, value in defined.items() for word in ("-D", f"{name}={value}")),
            *([feature] if feature else ()),
        ],
        cwd=code or Path.cwd(),
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), "TMPDIR": str(home)},
    )
    yield SuiteRun(await supervisor.spawn(command), reports=reports, home=home)


def _listening(pids: Iterable[int] | None = None) -> frozenset[Port]:
    """All ports that are listened on, or those of some processes (/proc/net/tcp, proc_pid_fd(5))."""
    owned = None if pids is None else {link for pid in pids for link in _links(pid)}
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text(encoding="utf-8").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and (owned is None or f"socket:[{fields[9]}]" in owned):
                found.add(Port(int(fields[1].rpartition(":")[2], 16), fields[9]))
    return frozenset(found)


def _links(pid: int) -> Iterator[str]:
    """What the open files of a process are; nothing of one that is gone."""
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield str(link.readlink())
