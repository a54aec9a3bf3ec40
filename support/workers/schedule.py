"""Which scenario a worker runs next: the one it is on the way to, unless another one must begin now.

schedule = Schedule(tasks, jobs=6)
task = schedule.next_for(None)           # a worker without a feature
task = schedule.next_for(task.feature)   # the same worker afterwards: its stack stands already
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Schedule", "Task"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is handed out at once: a scenario or, with a Rule, all selected ones of it.

    `scenarios` are places in the order of the features, `seconds` is what it is expected to take;
    `serial` says that nothing else may run meanwhile.
    """

    feature: str
    scenarios: tuple[int, ...]
    seconds: float
    serial: bool = False


class Schedule:
    """The tasks of a run that nobody has begun yet."""

    def __init__(self, tasks: Sequence[Task], *, jobs: int) -> None:
        self._jobs = jobs
        self._pending: dict[str, list[Task]] = {}
        self._at: dict[str, int] = {}
        self._alone = [task for task in tasks if task.serial]
        for task in tasks:
            if not task.serial:
                self._pending.setdefault(task.feature, []).append(task)
        for waiting in self._pending.values():
            waiting.sort(key=lambda task: task.seconds, reverse=True)

    @property
    def left(self) -> int:
        """How many tasks are left that may run beside others."""
        return sum(map(len, self._pending.values()))

    @property
    def seconds(self) -> float:
        """How long the tasks that are left would take one after the other."""
        waiting = [task for tasks in self._pending.values() for task in tasks]
        return sum(task.seconds for task in (*waiting, *self._alone))

    def next_for(self, feature: str | None) -> Task | None:
        """Take the next task for a worker that is at this feature; None when nothing is left.

        A worker goes on with its feature, longest scenario first. It leaves it for a scenario that takes
        longer than each worker's share of all that is left, for that one would be the last to end. With
        its own feature done, it goes where most is left for each worker there.
        """
        if feature is not None:
            self._at[feature] = self._at.get(feature, 1) - 1
        chosen = self._choose(feature)
        if chosen is None:
            return None
        self._at[chosen] = self._at.get(chosen, 0) + 1
        waiting = self._pending[chosen]
        task = waiting.pop(0)
        if not waiting:
            del self._pending[chosen]
        return task

    def next_alone(self) -> Task | None:
        """Take the next task that must run alone; only when nothing else runs."""
        return self._alone.pop(0) if self._alone else None

    def leave(self, feature: str | None) -> None:
        """Note that a worker is at this feature no longer."""
        if feature is not None:
            self._at[feature] = self._at.get(feature, 1) - 1

    def drop(self) -> None:
        """Forget all that is left: the run is being stopped."""
        self._pending.clear()
        self._alone.clear()

    def _choose(self, own: str | None) -> str | None:
        if not self._pending:
            return None
        share = sum(task.seconds for tasks in self._pending.values() for task in tasks) / self._jobs
        urgent = max(self._pending, key=lambda name: self._pending[name][0].seconds)
        if own in self._pending and self._pending[urgent][0].seconds <= share:
            return own
        if self._pending[urgent][0].seconds > share:
            return urgent
        return max(self._pending, key=self._left_for_each)

    def _left_for_each(self, feature: str) -> float:
        """Seconds that are left of a feature for each worker there, and one more."""
        left = sum(task.seconds for task in self._pending[feature])
        return left / (self._at.get(feature, 0) + 1)
