"""Hosts what is under test in one scenario: an operator, its demo, or the suite itself.

Each is hosted as a context: its model, its supervisor and its private directory are there before it, and are
taken down when the context is left, however it is left.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from anyio.abc import TaskGroup

from support.demonstration import Demonstration, show_demo
from support.evidence.spent import Spent
from support.evidence.timeline import Timeline
from support.evidence.watch import RecordsWatch
from support.model import Model, Script, on_call_engineer
from support.operator import Operator
from support.profile import Profile
from support.run import Run
from support.stacks.stack import Stack
from support.suite import SuiteRun, run_suite
from support.supervisor import Supervisor
from support.verdict import NotVerified


class Hosting:
    """What one scenario hosts: `evidence` is where its output goes, `tasks` end with the scenario."""

    def __init__(self, run: Run, evidence: Path, timeline: Timeline, spent: Spent, tasks: TaskGroup) -> None:
        self.model: Model | None = None
        """The model of the operator or demo that was hosted last."""
        self._run = run
        self._evidence = evidence
        self._timeline = timeline
        self._spent = spent
        self._tasks = tasks
        self._databases: list[Path] = []
        self._demos = 0

    @asynccontextmanager
    async def operator(
        self, stack: Stack, *, script: Script | None, limits: Mapping[str, str], shortened: bool
    ) -> AsyncIterator[Operator]:
        """An operator with its model and an empty database, and none of its processes yet.

        Its records become events as they appear. Raises NotVerified when its profile does not know one of
        the `limits`.
        """
        profile = self._profile()
        if shortened:
            profile = replace(profile, env={**profile.env, **profile.shortened})
        directory = self._run.directory("b")
        async with (
            self._run.model(self._script(script), evidence=self._evidence) as self.model,
            self._run.operator_place(stack, directory) as containers,
            self._supervisor(self._evidence) as supervisor,
        ):
            url = self.model.url if containers is None else await containers.reachable(self.model.url)
            operator = Operator(
                profile,
                supervisor,
                subject=stack.subject,
                directory=directory,
                endpoints={**stack.environment, **self._model_at(url)},
                spent=self._spent,
                install_tools=stack.install_tools,
                containers=containers,
                limits=_variables(profile, limits),
            )
            self._databases.append(operator.database)
            self._tasks.start_soon(RecordsWatch(operator.database, self._timeline).run)
            yield operator

    async def note_violations(self, operator: Operator) -> None:
        """Make an event of every violation that the monitor reports, until the monitor ends."""
        async for line in operator.violations():
            self._timeline.record("violation.reported", at=line.at, line=line.text)

    @asynccontextmanager
    async def demo(
        self,
        stack: Stack | None,
        subject: str,
        *,
        script: Script | None,
        agent: Sequence[str] | None,
        database: Path | None,
        columns: int,
        rows: int,
    ) -> AsyncIterator[Demonstration]:
        """A demo on a terminal of this size: on `stack`, or one of its own. As `show_demo` for the rest."""
        directory = self._run.directory("b")
        database = database or directory / "tickets.db"
        self._databases.append(database)
        self._demos += 1
        evidence = self._evidence if self._demos == 1 else self._evidence / f"demo-{self._demos}"
        async with (
            self._run.model(self._script(script), evidence=self._evidence) as self.model,
            self._supervisor(evidence) as supervisor,
            show_demo(
                self._profile(),
                supervisor,
                subject=subject,
                directory=directory,
                environment={**(stack.environment if stack else {}), **self._model_at(self.model.url)},
                evidence=evidence,
                redactor=self._run.redactor,
                spent=self._spent,
                database=database,
                agent=agent,
                columns=columns,
                rows=rows,
            ) as demo,
        ):
            yield demo

    @asynccontextmanager
    async def suite(
        self, criterion: str, feature: str | None, settings: Mapping[str, str]
    ) -> AsyncIterator[SuiteRun]:
        """The suite itself, as `run_suite`, with its reports among the evidence."""
        async with (
            self._supervisor(self._evidence) as supervisor,
            run_suite(
                supervisor,
                criterion=criterion,
                feature=feature,
                directory=self._run.directory("n"),
                reports=self._evidence / "reports",
                settings=settings,
                code=self._run.code,
            ) as suite,
        ):
            yield suite

    def sabotage(self) -> str | None:
        """The title of the sabotage that is at work, if it has acted in this scenario."""
        bad = self._run.sabotage
        if bad is None or not any(map(bad.took_effect, [None, *self._databases])):
            return None
        return bad.sabotage.title

    def _profile(self) -> Profile:
        bad = self._run.sabotage
        return bad.profile(self._run.profile) if bad else self._run.profile

    def _script(self, script: Script | None) -> Script:
        bad = self._run.sabotage
        return script or (bad.script() if bad else None) or on_call_engineer

    def _model_at(self, url: str) -> dict[str, str]:
        return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": self._run.canary}

    def _supervisor(self, spools: Path) -> Supervisor:
        return self._run.supervisor(spools, on_event=self._process_event)

    def _process_event(self, kind: str, process: str, detail: Mapping[str, object]) -> None:
        if kind in ("process.started", "process.exited"):
            self._timeline.record(kind, process=process, **detail)  # type: ignore[arg-type]


def _variables(profile: Profile, limits: Mapping[str, str]) -> dict[str, str]:
    for name in limits:
        if name not in profile.limits:
            raise NotVerified(
                f"profile {profile.path} names no variable that tells the operator its {name}; "
                "add it under [operator.limits]"
            )
    return {profile.limits[name]: value for name, value in limits.items()}
