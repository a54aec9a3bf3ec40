"""The behave runner of the suite: it selects, survives interruptions, and has every run reported.

behave loads it because of `runner = "support.runner:AcceptanceRunner"` in pyproject.toml.
"""

import functools
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from behave.exception import ConfigError, InvalidFileLocationError, InvalidFilenameError
from behave.exception import FileNotFoundError as NoSuchFeature
from behave.formatter._registry import make_formatters
from behave.matchers import Match
from behave.model import Step
from behave.model_type import Status
from behave.reporter.summary import AbstractSummaryReporter
from behave.runner import Context, ContextMode, Runner

from support.config import SettingError
from support.evidence.redaction import Redactor, secrets_of
from support.features import FeatureError
from support.interruption import SIGNALS, Interruption
from support.machine.finding import Unready
from support.machine.reports import claimed
from support.plan import Plan, planned
from support.profile import ProfileError
from support.report.assemble import assemble
from support.report.console import summary_lines
from support.report.errors import describe
from support.report.formatter import RUN, Collector, ConsoleFormatter, Incidents, style_of
from support.report.gate import gate
from support.report.history import remember
from support.report.masking import masked_run
from support.report.model import ScenarioResult
from support.report.register import RegisterError
from support.report.run_info import run_info, seconds_of_this_process
from support.report.strength import strengthened
from support.report.write import clear_reports, write_reports
from support.sabotage.sabotage import SabotageError
from support.selection import SelectionError
from support.terminal import open_missing, say
from support.verdict import classify
from support.workers.durations import Durations
from support.workers.jobs import Load, jobs_of

if TYPE_CHECKING:  # a run with one job has no need of workers, nor the time to load them
    from multiprocessing.connection import Connection

    from support.workers.side_by_side import SideBySide

__all__ = ["AcceptanceRunner"]

T = TypeVar("T")

_NOTHING_RUN = (
    ConfigError,
    FeatureError,
    InvalidFileLocationError,
    InvalidFilenameError,
    NoSuchFeature,
    ProfileError,
    RegisterError,
    SabotageError,
    SelectionError,
    SettingError,
    Unready,
)
"""What is wrong with what was asked for, or with the machine; found before anything is started."""

_SET_BY_BEHAVE = ("behave", 0, "behave", "")
"""Where an attribute of the context was set, as behave keeps it: file, line, function, source."""

_HOOKS = frozenset(
    f"{phase}_{kind}"
    for phase in ("before", "after")
    for kind in ("all", "feature", "rule", "scenario", "step", "tag")
)


class AcceptanceRunner(Runner):  # type: ignore[misc]
    """Runs the selected features and reports; `run` returns True when somebody has to look."""

    def __init__(self, config: Any) -> None:
        open_missing()
        for output in config.outputs:
            if output.stream is None and output.name is None:
                output.stream = sys.stdout  # there was none when behave looked
                output.should_close_stream = False
        super().__init__(config)
        self.hooks: dict[str, Callable[..., None]] = {}
        self._incidents = Incidents()
        self._collector: Collector | None = None
        self._side_by_side: SideBySide | None = None
        self._reached: Callable[[Step], None] | None = None
        self._in_hook = False
        self._unfinished: dict[tuple[str, int], tuple[Any, ...]] = {}
        self._refused: set[tuple[str, int]] = set()
        self._interruption = Interruption(
            raise_in=(Match.run.__code__, _interruptible.__code__), noticed=self._stop
        )

    def run(self) -> bool:
        """Run. Raises SystemExit with 128 + the signal's number after SIGINT or SIGTERM."""
        failed = True
        with self._interruption, suppress(KeyboardInterrupt):  # that is: before anything is started
            try:
                failed = super().run()
            except ConfigError as error:  # there are no features
                say(f"Nothing was run.\n{error}\n", sys.stderr)
        if self._interruption.signal is not None:
            raise SystemExit(128 + self._interruption.signal)
        return failed

    def run_with_paths(self) -> bool:
        self.context = _Context(self)
        with ExitStack() as claims:
            try:
                plan = _interruptible(self._prepare)
                if not self.config.dry_run:
                    claims.enter_context(claimed(plan.prepared.settings.reports))
            except _NOTHING_RUN as error:
                say(f"Nothing was run.\n{error}\n", sys.stderr)
                return True
            self.config.reporters = [
                reporter
                for reporter in self.config.reporters
                if not isinstance(reporter, AbstractSummaryReporter)  # the closing summary is ours
            ]
            self.formatters = make_formatters(self.config, self.config.outputs)
            return self._dry_run(plan) if self.config.dry_run else self._run_and_report(plan)

    def load_hooks(self, filename: str | None = None) -> None:
        super().load_hooks(filename)
        self.hooks = {
            name: self._watched(name, function) for name, function in self.hooks.items() if name in _HOOKS
        }

    def run_hook(self, hook_name: str, *args: Any) -> bool:
        """Run a hook. Once the run is being stopped nothing new begins, and what began is ended."""
        phase, _, kind = hook_name.partition("_")
        key = (kind, id(args[0]) if args else RUN)
        if phase == "before":
            if self._interruption.signal is not None:
                self._refuse(key, args)
                return False
            self._unfinished[key] = args
            if kind == "step" and self._reached is not None:
                self._reached(args[0])
        else:
            self._unfinished.pop(key, None)
            if key in self._refused:
                return True
            if kind == "step":
                self._skip_rest_if_not_verified(*args)
            elif kind == "feature" and self._collector is not None:
                self._collector.settle()
        self._in_hook, outer = True, self._in_hook
        try:
            passed: bool = super().run_hook(hook_name, *args)
        finally:
            self._in_hook = outer
        return passed

    def enter_sentence(self) -> None:
        """Raise KeyboardInterrupt if the run is being stopped: what came after the last hook goes for the
        sentence, too."""
        if self._interruption.signal is not None and not self._in_hook:
            raise KeyboardInterrupt(self._interruption.signal.name)

    def _prepare(self) -> Plan:
        """Read and check everything; it is only after this that anything is started."""
        locations = [at for at in self.feature_locations() if not self.config.exclude(at)]
        plan = planned(self.config, locations, base=Path(self.base_dir))
        self.features.extend(plan.features)
        self.load_hooks()
        self.load_step_definitions()
        self.context._set_root_attribute("prepared", plan.prepared)
        gc.freeze()  # what is there now stays: the collector need not look at it, nor workers copy it
        return plan

    def _dry_run(self, plan: Plan) -> bool:
        failed: bool = self.run_model()
        if self.config.summary:
            count = len(plan.selected)
            sys.stdout.write(f"Dry run: {count} selected, none was run, no report is written.\n")
        return failed

    def _run_and_report(self, plan: Plan) -> bool:
        reports = plan.prepared.settings.reports
        shown = _shown(reports)
        consoles = [each for each in self.formatters if isinstance(each, ConsoleFormatter)]

        def settled(result: ScenarioResult) -> None:
            for console in consoles:
                console.settled(result, reports=shown)

        redactor = Redactor(secrets_of(os.environ))
        collector = self._collect(plan, redactor, settled)
        clear_reports(reports)
        durations = Durations(reports)
        jobs = jobs_of(self.config.jobs, settings=plan.prepared.settings, scenarios=len(plan.selected))
        if jobs > 1:
            failed = self._run_side_by_side(plan, jobs, durations)
        else:
            self.formatters.insert(0, collector)
            failed = self._run_and_undo()
        collector.finish()
        run = run_info(
            plan.prepared.settings,
            seconds=(seconds := seconds_of_this_process()),
            worked=seconds + (self._side_by_side.gained if self._side_by_side else 0.0),
            command=("behave", *sys.argv[1:]),
            scenarios=collector.results,
            interrupted=self._incidents.interrupted,
            problems=self._incidents.problems,
            base=Path(self.base_dir),
        )
        run = masked_run(run, redactor)
        result = assemble(run, plan.register, collector.results, plan.coverage)
        try:
            durations.remember(collector.results)
            result = strengthened(remember(result, reports), reports)
            write_reports(result, reports, root=Path.cwd(), redactor=redactor)
        except OSError as error:  # the disk is full by now, or was taken away
            say(f"The report could not be written to {shown}: {error}\n", sys.stderr)
            failed = True
        if self.config.summary:
            style = style_of(sys.stdout, self.config)
            lines = summary_lines(result, style=style, reports=shown)
            say("".join(f"{line}\n" for line in lines), sys.stdout)
        return failed or gate(result).red

    def _collect(
        self, plan: Plan, redactor: Redactor, settled: Callable[[ScenarioResult], None]
    ) -> Collector:
        self._collector = Collector(
            self.config,
            selected=plan.selected,
            known_ids=plan.register.ids,
            incidents=self._incidents,
            redactor=redactor,
            settled=settled,
        )
        return self._collector

    def _run_side_by_side(self, plan: Plan, jobs: int, durations: Durations) -> bool:
        """Have the scenarios run by workers, which call the hooks; here it only looks like running."""
        from support.workers.progress import Progress
        from support.workers.side_by_side import SideBySide

        assert self._collector is not None
        hooks, self.hooks = self.hooks, {}
        self._side_by_side = SideBySide(
            self,
            selected=plan.selected,
            jobs=jobs,
            bears_more=Load().bears_more if self.config.jobs == 0 else lambda _: True,
            durations=durations,
            collector=self._collector,
            incidents=self._incidents,
            begin=functools.partial(self._work, plan, hooks, os.getpid()),
            progress=Progress(sys.stderr, style=style_of(sys.stderr, self.config)),
        )
        self.context.add_cleanup(self._side_by_side.close)  # that is: before formatters are closed
        failed = self._run_and_undo()
        return failed or self._side_by_side.failed

    def _work(
        self, plan: Plan, hooks: dict[str, Callable[..., None]], run: int, connection: "Connection"
    ) -> NoReturn:
        """Be a worker of the run with this pid, from which this process was forked."""
        from support.workers.replay import Notes
        from support.workers.worker import Feed, die_with

        status = 1
        try:
            os.setsid()  # what a terminal sends goes to the run, which passes it on
            die_with(run)
            self._side_by_side = None
            self._incidents = Incidents()
            self._unfinished, self._refused = {}, set()
            self.hooks = hooks
            self.context = _Context(self)
            self.context._set_root_attribute("prepared", plan.prepared)
            self.config.reporters = []
            collector = self._collect(plan, Redactor(secrets_of(os.environ)), lambda _: None)
            notes = Notes(self.config)
            self.formatters = [notes, collector]
            feed = Feed(
                connection,
                self,
                features={feature.filename: feature for feature in self.features},
                selected=plan.selected,
                collector=collector,
                incidents=self._incidents,
                notes=notes,
            )
            self._reached = feed.reached
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # whoever forked us has blocked them
            failed = self._run_and_undo(feed.features())
            feed.leave(failed=failed)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _run_and_undo(self, features: Iterable[Any] | None = None) -> bool:
        """Run the features, and end what began even if a step, a formatter or behave breaks the run."""
        try:
            failed: bool = self.run_model(features)
        except BaseException as error:  # sys.exit in a step; a closed pipe under a formatter
            self._incidents.problems.append(f"the run broke: {describe(error)}")
            if self._side_by_side is not None:
                self._side_by_side.interrupt(signal.SIGTERM)
            self.capture_controller.stop_capture()
            for (kind, _), args in reversed(list(self._unfinished.items())):
                self.run_hook(f"after_{kind}", *args)
            with suppress(Exception):  # the context has noted it
                self.context._do_remaining_cleanups()
            failed = True
        return failed

    def _stop(self, name: str) -> None:
        self._incidents.interrupted = name
        if self._side_by_side is not None:
            self._side_by_side.interrupt(signal.Signals[name])
        self.abort(reason=name)

    def _refuse(self, key: tuple[str, int], args: tuple[Any, ...]) -> None:
        self._refused.add(key)
        self.abort()
        if key[0] != "tag":
            for statement in args:
                statement.hook_failed = True  # behave runs nothing of it then

    def _skip_rest_if_not_verified(self, step: Step) -> None:
        """Skip the rest of the scenario after NotVerified, which is an error in behave's eyes."""
        error = step.exception
        if error is not None and classify(error) == "not verified":
            step.status = Status.skipped
            self.context.scenario.skip()
            self.context.scenario.skip_reason = describe(error)

    def _watched(self, name: str, function: Callable[..., None]) -> Callable[..., None]:
        """The hook, noting its errors; one that starts something can be interrupted."""
        begins = name.startswith("before_")

        @functools.wraps(function)
        def hook(context: Any, *args: Any) -> None:
            try:
                if begins:
                    _interruptible(functools.partial(function, context, *args))
                else:
                    function(context, *args)
            except Exception as error:
                self.note_broken(f"{name} failed: {describe(error)}", begins=begins)
                raise

        return hook

    def note_broken(self, reason: str, *, begins: bool) -> None:
        """Note an error of a hook or a cleanup for the verdicts that it decides.

        Around a scenario that is the scenario's, before a feature those of its scenarios, before
        everything those of all; after a feature and after everything it is the run's own problem.
        """
        feature = self.context.feature
        concerned = getattr(self.context, "scenario", None) or (feature if begins else None)
        if concerned or begins:
            self._incidents.broken.setdefault(id(concerned) if concerned else RUN, []).append(reason)
        if not concerned:
            place = f"{feature.filename}: " if feature else ""
            self._incidents.problems.append(f"{place}{reason}")

    def note_abort(self, reason: str | None) -> None:
        """Note an abortion that nothing noted so far explains."""
        if not (self._incidents.interrupted or self._incidents.problems):
            self._incidents.problems.append(f"the run was aborted: {reason or 'no reason given'}")


class _Context(Context):  # type: ignore[misc]
    """behave's context, which tells the runner of an abortion and of cleanups that fail, and spares the time
    that behave takes over every sentence and scenario for what is seldom asked for."""

    def __setattr__(self, attr: str, value: Any) -> None:
        """What behave itself sets, at every sentence, it need not look for the line of code that does so."""
        if attr[0] == "_" or self._mode is ContextMode.USER or self._origin.get(attr) is ContextMode.USER:
            super().__setattr__(attr, value)
        else:
            self._stack[0][attr] = value
            self._origin[attr] = ContextMode.BEHAVE
            self._record[attr] = _SET_BY_BEHAVE

    def use_with_user_mode(self) -> AbstractContextManager[None]:
        """What behave enters for hooks and sentences."""
        self._runner.enter_sentence()
        mode: AbstractContextManager[None] = super().use_with_user_mode()
        return mode

    def abort(self, reason: str | None = None) -> None:
        self._runner.note_abort(reason)
        self._set_root_attribute("aborted", True)

    def _pop(self, capture_sink: Any = None) -> None:
        """Have what cleanups print captured, which takes a while, only if there are any."""
        if self._stack[0]["@cleanups"]:
            super()._pop(capture_sink)
        else:
            del self._stack[0]

    def _do_cleanups(self) -> None:
        try:
            super()._do_cleanups()
        except Exception as error:
            self._runner.note_broken(f"a cleanup failed: {describe(error)}", begins=False)
            raise


def _interruptible(call: Callable[[], T]) -> T:
    """Call something that SIGINT and SIGTERM stop with a KeyboardInterrupt."""
    return call()


def _shown(path: Path) -> Path:
    """The path as it is shown: relative, if it is below the working directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
