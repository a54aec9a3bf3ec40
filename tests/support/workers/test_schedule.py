"""Long scenarios begin first, workers stay with their feature while it pays, and nothing is left over."""

from support.workers.schedule import Schedule, Task


def _task(feature: str, number: int, seconds: float = 1.0, *, serial: bool = False) -> Task:
    return Task(feature=feature, scenarios=(number,), seconds=seconds, serial=serial)


def _numbers(*tasks: Task | None) -> list[int | None]:
    return [task.scenarios[0] if task else None for task in tasks]


def test_a_worker_stays_with_its_feature_and_takes_its_longest_scenario_first() -> None:
    tasks = [_task("a", 0), _task("a", 1, 3.0), _task("a", 2, 2.0), _task("b", 3, 2.5), _task("b", 4, 2.5)]
    schedule = Schedule(tasks, jobs=1)
    assert _numbers(*(schedule.next_for("a") for _ in range(3))) == [1, 2, 0]


def test_scenarios_of_the_same_length_keep_their_order() -> None:
    schedule = Schedule([_task("a", number) for number in range(3)], jobs=1)
    assert _numbers(*(schedule.next_for("a") for _ in range(4))) == [0, 1, 2, None]


def test_a_worker_leaves_its_feature_for_a_scenario_that_would_end_last() -> None:
    tasks = [_task("a", number) for number in range(4)] + [_task("b", 9, 20.0)]
    schedule = Schedule(tasks, jobs=2)
    assert _numbers(schedule.next_for("a"), schedule.next_for("a")) == [9, 0]


def test_workers_go_where_nobody_is_before_they_share_a_feature() -> None:
    tasks = [_task("a", number) for number in range(5)] + [_task("b", 9), _task("b", 10), _task("b", 11)]
    schedule = Schedule(tasks, jobs=3)
    assert [task.feature for _ in range(3) if (task := schedule.next_for(None))] == ["a", "b", "a"]


def test_a_worker_without_work_helps_with_the_feature_of_another() -> None:
    schedule = Schedule([_task("a", 0, 5.0), _task("a", 1), _task("b", 2)], jobs=2)
    assert _numbers(schedule.next_for(None), schedule.next_for(None), schedule.next_for("b")) == [0, 2, 1]


def test_what_must_run_alone_is_handed_out_apart() -> None:
    schedule = Schedule([_task("a", 0, serial=True), _task("a", 1), _task("b", 2, serial=True)], jobs=4)
    assert schedule.left == 1
    assert _numbers(schedule.next_for(None), schedule.next_for("a")) == [1, None]
    assert _numbers(*(schedule.next_alone() for _ in range(3))) == [0, 2, None]


def test_nothing_is_left_when_the_run_is_stopped() -> None:
    schedule = Schedule([_task("a", 0), _task("a", 1, serial=True)], jobs=2)
    schedule.drop()
    assert _numbers(schedule.next_for(None), schedule.next_alone()) == [None, None]
    assert schedule.seconds == 0
