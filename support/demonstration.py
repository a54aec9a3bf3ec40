"""The operator's demo on a pseudo-terminal: its screen, its keys, and a witness of what it ought to show.

The demo is given a profile whose monitor and agent are those of the operator, each with an eavesdropper
before it. So the suite has every line that they print, and its time, without asking the demo.
"""

import os
import re
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from support.evidence.records import Records, read_records
from support.evidence.redaction import Redactor
from support.evidence.screen import Screen, Shot, compact
from support.evidence.spent import Spent
from support.overhearing import overheard
from support.profile import SYSTEM_PATH, Profile
from support.stacks.control import install
from support.supervisor import CannotStart, Command, Exit, Line, Process, ProcessInfo, Supervisor, Terminal
from support.supervisor.reading import LineCount, Scan
from support.verdict import NotVerified

PANELS = ("Cluster", "Chapter", "Monitor", "Agent", "Workload")
CHAPTERS = (
    "Welcome",
    "Cluster health",
    "Load",
    "Fault injection",
    "Detection",
    "Remediation",
    "Recovery",
    "Complete",
)

_ANSWERS_WITHIN = 5.0
_CHAPTER_WITHIN = 60.0
_ENDS_WITHIN = 20.0
_GONE_WITHIN = 5.0
_LOOK_EVERY = 0.02
_PAGES = 2_000
_PRESS_EVERY = 0.1
_WATCHED = 60
"""The last lines of the agent, which a panel can show at once."""
_SESSION = (
    'printf "before %s\\n" "$(stty -g)"; "$@"; status=$?; printf "after %s\\n" "$(stty -g)"; exit $status'
)
"""What a person's shell does around a program: here it also tells how the terminal is set."""
_PASSED_ON = ("LANG", "TZ", "REDIS_SERVER")


@dataclass(frozen=True, kw_only=True)
class DemoEnded:
    """How the demo ended, after how many seconds, and what it left running."""

    exit: Exit
    seconds: float
    left: tuple[ProcessInfo, ...]


class Demonstration:
    """A demo that is being shown; made by `show_demo`."""

    def __init__(
        self,
        process: Process,
        screen: Screen,
        *,
        spools: Path,
        database: Path,
        shots: Path,
        spent: Spent,
    ) -> None:
        self.process = process
        self.screen = screen
        self.chapters: list[str] = []
        """The chapters that were seen on the screen, in the order they came."""
        self.seen: dict[int, int] = {}
        """By the offset of a line of the agent, when it was first seen on the panel (monotonic ns)."""
        self.was_red = False
        """Whether the cluster panel was ever red."""
        self.database = database
        self._spent = spent
        self._spools = spools
        self._shots = shots
        screen.on_change = self._look

    def records(self) -> Records:
        """What the operator in the demo has recorded."""
        return read_records(self.database)

    def printed(self, name: str) -> list[Line]:
        """What the monitor or the agent has printed so far, as the witness heard it."""
        path = self._spools / f"{name}.stdout"
        if not path.exists():
            return []
        with Scan(path, stream="stdout", count=LineCount(path), start=0, pattern=None) as scan:
            lines: list[Line] = []
            upto = path.stat().st_size
            while (more := scan.step(upto)) is not None:
                lines += more
            return lines

    def pid_of(self, name: str) -> int:
        """The pid of the monitor or the agent."""
        return int((self._spools / f"{name}.pid").read_text(encoding="ascii"))

    async def until(self, holds: Callable[[Shot], object], *, within: float, what: str) -> Shot:
        """Wait for the screen, and keep it as evidence whether it came or not."""
        try:
            with self._spent.on("waiting"):
                return await self.screen.until(holds, within=within, what=what)
        finally:
            self.keep(what)

    def keep(self, name: str) -> None:
        """Keep the screen as evidence."""
        self.screen.save(self._shots, name)

    async def lead_to(self, chapter: str) -> None:
        """Press SPACE, again and again, until a chapter is on the screen. Raises AssertionError."""
        await self.until(lambda _: self.chapters, within=_CHAPTER_WITHIN, what="the demo is on the screen")
        with self._spent.on("waiting"), anyio.move_on_after(_CHAPTER_WITHIN):
            while chapter not in self.chapters:
                if self.process.exit is not None:
                    break
                self.screen.press("SPACE")
                await anyio.sleep(_PRESS_EVERY)
        await self.until(
            lambda _: chapter in self.chapters,
            within=_LOOK_EVERY,
            what=f"the demo comes to the chapter {chapter}",
        )

    async def settled(self, chapter: str) -> None:
        """Wait until a chapter has done its work. Raises AssertionError."""
        await self.until(
            lambda shot: "SPACE" in shot.panel("Chapter").text or "complete" in shot.panel("Chapter").text,
            within=_CHAPTER_WITHIN,
            what=f"the chapter {chapter} has done its work",
        )

    async def scroll_back(
        self, title: str, *, enough: Callable[[str], bool], wrong: Callable[[str], bool] = lambda _: False
    ) -> str:
        """What a panel has from its first line on, by its own keys and without blanks.

        It ends when that is `enough`, or so `wrong` that more would not put it right, or when a key brings
        nothing new for `_ANSWERS_WITHIN` seconds. Pages overlap; what two have in common is taken once.
        """
        self.screen.press(title[0].lower())
        rows = list(self.screen.shot.panel(title).rows)
        if not enough(compact("".join(rows))):
            rows = await self._page(title, "HOME", rows) or rows
        text = compact("".join(rows))
        for _ in range(_PAGES):
            if enough(text) or wrong(text):
                break
            new = _beyond(rows, await self._page(title, "PAGE DOWN", rows))
            if not new:
                break
            rows += new
            text += compact("".join(new))
        self.keep(f"{title} scrolled through")
        self.screen.press("END")
        return text

    async def _page(self, title: str, key: str, before: Sequence[str]) -> list[str]:
        """What the panel shows after a key, once it stays so; nothing when that remains what it was."""
        self.screen.press(key)
        shown: list[str] = []
        with self._spent.on("waiting"), anyio.move_on_after(_ANSWERS_WITHIN):
            while True:
                await anyio.sleep(_LOOK_EVERY)
                now = list(self.screen.shot.panel(title).rows)
                if now == shown and now != list(before[-len(now) :]):
                    return now
                shown = now
        return []

    def send(self, number: signal.Signals) -> None:
        """Send the demo itself a signal."""
        for info in self.process.descendants():
            if info.parent == self.process.pid:
                os.kill(info.pid, number)

    async def ended(self) -> DemoEnded:
        """Wait for the end of a demo that was told to end. Raises AssertionError when it does not come."""
        started = time.monotonic()
        with self._spent.on("waiting"), anyio.move_on_after(_ENDS_WITHIN):
            exit_ = await self.process.wait()
            # Whoever's terminal was closed ends before it has tidied up.
            with anyio.move_on_after(_GONE_WITHIN):
                while self.process.descendants():  # noqa: ASYNC110 - they are not our children
                    await anyio.sleep(_LOOK_EVERY)
            return DemoEnded(exit=exit_, seconds=time.monotonic() - started, left=self.process.descendants())
        self.keep("it goes on")
        raise AssertionError(
            f"expected: the demo ends\n  but: it still ran after {_ENDS_WITHIN:g} s; its screen was\n"
            f"{self.screen.shot.text}"
        )

    def settings_of_terminal(self) -> tuple[str | None, str | None]:
        """How the terminal was set before the demo and after it, as stty writes it; None where not known."""
        text = self.process.output.terminal.path.read_bytes().decode(errors="replace")
        before, after = re.search(r"before (\w+(?::\w+)+)", text), re.search(r"after (\w+(?::\w+)+)", text)
        return (before.group(1) if before else None, after.group(1) if after else None)

    def _look(self) -> None:
        shot, now = self.screen.shot, time.monotonic_ns()
        panels = {panel.title.split()[0]: panel for panel in shot.panels()}
        if "Chapter" in panels and panels["Chapter"].rows:
            title = panels["Chapter"].rows[0].strip()
            if title in CHAPTERS and (not self.chapters or self.chapters[-1] != title):
                self.chapters.append(title)
        if "Cluster" in panels and panels["Cluster"].red:
            self.was_red = True
        if "Agent" in panels:
            shown = panels["Agent"].compact
            for line in self.printed("agent")[-_WATCHED:]:
                if line.offset not in self.seen and compact(line.text) in shown:
                    self.seen[line.offset] = now


def _beyond(rows: Sequence[str], page: Sequence[str]) -> list[str]:
    """What of a page comes after the rows that are known, as little as there can be."""
    for shared in range(min(len(rows), len(page)), 0, -1):
        if list(rows[-shared:]) == list(page[:shared]):
            return list(page[shared:])
    return list(page)


@asynccontextmanager
async def show_demo(
    profile: Profile,
    supervisor: Supervisor,
    *,
    subject: str,
    directory: Path,
    environment: Mapping[str, str],
    evidence: Path,
    redactor: Redactor,
    spent: Spent,
    database: Path,
    agent: Sequence[str] | None = None,
    columns: int,
    rows: int,
) -> AsyncIterator[Demonstration]:
    """Show the demo of an operator on a terminal of this size; `environment` is that of the contract.

    With `agent`, that command is the agent. Raises NotVerified when the profile names no demo, and where no
    terminal can be had.
    """
    if profile.demo is None:
        raise NotVerified(f"the profile of {profile.name} names no demo command (operator.demo)")
    for name in ("setsid", "stty"):
        if shutil.which(name) is None:
            raise NotVerified(
                f"this machine has no {name}, which a terminal needs: install util-linux, coreutils"
            )
    for name in ("bin", "home", "t", "w"):
        (directory / name).mkdir()
    install(directory / "bin")
    heard = overheard(profile, directory / "w", agent=agent)
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    command = Command(
        name="demo",
        argv=["sh", "-c", _SESSION, "sh", *heard.fill(heard.demo or (), subject=subject, db=database)],
        cwd=profile.cwd,
        env={
            **passed,
            "HOME": str(directory / "home"),
            "TMPDIR": str(directory / "t"),
            "PATH": os.pathsep.join((str(directory / "bin"), *SYSTEM_PATH)),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "OPERATOR_SAFETY_MODE": "execute",
            "OPERATOR_DB": str(database),
            **environment,
            **profile.env,
        },
        terminal=Terminal(columns=columns, rows=rows),
    )
    try:
        process = await supervisor.spawn(command)
    except CannotStart as error:
        raise AssertionError(f"profile {profile.path}: operator.demo: {error}") from error
    async with Screen.of(process, columns=columns, rows=rows) as screen:
        demo = Demonstration(
            process,
            screen,
            spools=directory / "w",
            database=database,
            shots=evidence / "screens",
            spent=spent,
        )
        try:
            yield demo
        finally:
            demo.keep("the last screen")
            with anyio.CancelScope(shield=True):
                await process.stop()
            for path in (directory / "w").glob("*.std*"):
                if not path.name.endswith(".index"):
                    text = path.read_text(encoding="utf-8", errors="replace")
                    kept = evidence / f"demo-{path.name}"
                    kept.write_text(redactor.text(text, f"the demo's {path.name}"), encoding="utf-8")
