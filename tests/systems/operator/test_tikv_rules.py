"""The invariants of a TiKV cluster, from observations made up here."""

from dataclasses import replace

import pytest

from systems.operator.invariants import Finding
from systems.operator.subjects.tikv_rules import (
    CONFIRM_SECONDS,
    Member,
    Observation,
    Rules,
    Store,
    measured,
)

SILENCE = 30.0
MEMBERS = tuple(Member(f"pd{n}", True) for n in range(3))


def stores(*, heard: tuple[int, int, int], states: tuple[str, str, str] = ("Up", "Up", "Up")):
    return tuple(
        Store(n, f"tikv{n}:20160", state, last_heartbeat=at, capacity=100, available=90)
        for n, (at, state) in enumerate(zip(heard, states, strict=True), start=1)
    )


def seen(leader: str | None = "pd0", **fields: object) -> Observation:
    given = {"members": MEMBERS, "leader": leader, "stores": stores(heard=(10, 10, 10))}
    return replace(Observation(), **{**given, **fields})


def judged(*observations: Observation, every: float = 1.0) -> dict[str, Finding]:
    """The findings of the last of some checks, one `every` so many seconds."""
    rules = Rules(silence_seconds=SILENCE)
    findings: tuple[Finding, ...] = ()
    for number, observation in enumerate(observations):
        findings = rules.judge(observation, at=1000.0 + number * every)
    return {finding.invariant: finding for finding in findings}


def keys(findings: dict[str, Finding]) -> list[str]:
    return [violation.key for finding in findings.values() for violation in finding.violations]


def lost(state: str = "Disconnected", *, heard: tuple[int, int, int], leader: str = "pd0") -> Observation:
    return seen(leader, stores=stores(heard=heard, states=("Up", state, "Up")))


def test_in_a_healthy_cluster_everything_is_observed_and_holds():
    findings = judged(seen(), seen())
    assert keys(findings) == []
    assert not any(finding.undecided or finding.unobserved for finding in findings.values())


@pytest.mark.parametrize("state", ["Disconnected", "Down", "Offline"])
def test_a_store_whose_heartbeats_ended_under_the_same_leader_is_down_at_once(state):
    findings = judged(seen(), seen(stores=stores(heard=(20, 20, 20))), lost(state, heard=(30, 20, 30)))
    assert keys(findings) == ["store_down:2"]
    (violation,) = findings["store_down"].violations
    assert "TiKV store 2 (tikv2:20160) is" in violation.message


def test_after_a_change_of_leader_old_times_of_healthy_stores_are_no_violation():
    stale = stores(heard=(1, 1, 1), states=("Disconnected",) * 3)
    findings = judged(seen(), seen("pd1", stores=stale))
    assert keys(findings) == []
    assert not findings["store_down"].clears("2")


def test_a_store_that_the_new_leader_heard_of_and_lost_again_is_down():
    again = stores(heard=(30, 30, 30))
    findings = judged(
        seen(),
        seen("pd1", stores=stores(heard=(1, 1, 1), states=("Disconnected",) * 3)),
        seen("pd1", stores=again),
        lost(heard=(40, 30, 40), leader="pd1"),
    )
    assert keys(findings) == ["store_down:2"]


def test_a_store_that_went_with_the_old_leader_is_down_once_the_others_were_heard_of_twice():
    story = [
        seen(),
        lost(heard=(1, 1, 1), leader="pd1"),
        lost(heard=(20, 1, 20), leader="pd1"),
        lost(heard=(30, 1, 30), leader="pd1"),
    ]
    assert keys(judged(*story[:3])) == []
    assert keys(judged(*story)) == ["store_down:2"]


def test_a_monitor_that_starts_beside_a_lost_store_finds_it_by_the_heartbeats_of_the_others():
    story = [lost(heard=(n * 10, 1, n * 10)) for n in (1, 2, 3)]
    assert keys(judged(*story[:2])) == []
    assert keys(judged(*story)) == ["store_down:2"]


def test_when_no_store_is_heard_of_at_all_time_decides():
    silent = seen("pd1", stores=stores(heard=(1, 1, 1), states=("Disconnected",) * 3))
    assert keys(judged(seen(), silent, silent, every=SILENCE / 2)) == []
    assert keys(judged(seen(), silent, silent, every=SILENCE)) == [
        "store_down:1",
        "store_down:2",
        "store_down:3",
    ]


def test_without_a_leader_stores_are_not_observed_and_clear_nothing():
    findings = judged(seen(), seen(None, stores=None, no_stores="503", no_leader="503"))
    assert findings["store_down"].unobserved == "503"
    assert not findings["store_down"].clears("1")
    assert keys(findings) == []


def test_a_leader_that_was_lost_and_is_the_same_again_has_heard_of_nobody_meanwhile():
    stale = stores(heard=(20, 20, 20), states=("Disconnected",) * 3)
    leaderless = seen(None, stores=None, no_stores="503", no_leader="503")
    rules = Rules(silence_seconds=SILENCE)
    for number, each in enumerate([seen(), seen(stores=stores(heard=(20, 20, 20)))]):
        rules.judge(each, at=number)
    rules.judge(leaderless, at=3)
    findings = {finding.invariant: finding for finding in rules.judge(seen(stores=stale), at=4)}
    assert keys(findings) == []
    assert not findings["store_down"].clears("2")


def test_a_monitor_that_lost_sight_of_pd_waits_for_heartbeats_again():
    rules = Rules(silence_seconds=SILENCE)
    for number, each in enumerate([seen(), seen(stores=stores(heard=(20, 20, 20)))]):
        rules.judge(each, at=number)
    rules.lost_sight()
    assert not any(f.violations for f in rules.judge(lost(heard=(20, 20, 20)), at=4))


def test_no_leader_for_longer_than_an_election_is_a_violation():
    none = seen(None, stores=None, no_stores="503", no_leader="/leader answered 503")
    assert keys(judged(none, none, every=SILENCE)) == ["pd_no_leader"]


def test_a_member_must_be_missing_for_a_while():
    down = seen(members=(Member("pd0", True), Member("pd1", True), Member("pd2", False)))
    assert keys(judged(down)) == []
    assert keys(judged(down, down, every=CONFIRM_SECONDS)) == ["pd_member_down:pd2"]


def test_a_member_that_nobody_speaks_of_is_undecided():
    unknown = seen(members=(*MEMBERS[:2], Member("pd2", None)))
    assert judged(unknown)["pd_member_down"].undecided == {"pd2": "no PD member tells its health"}


def test_a_disk_that_is_more_than_seventy_percent_used_is_low():
    full = replace(stores(heard=(1, 1, 1))[0], available=29)
    assert keys(judged(seen(stores=(full,)))) == ["low_disk_space:1"]
    assert keys(judged(seen(stores=(replace(full, available=30),)))) == []
    unknown = judged(seen(stores=(replace(full, capacity=None),)))["low_disk_space"]
    assert unknown.undecided == {"1": "PD does not tell its size"}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("195GiB", 195 * 1024**3),
        ("183.1GiB", int(183.1 * 1024**3)),
        ("33.11MiB", int(33.11 * 1024**2)),
        ("512B", 512),
        ("0", 0),
        ("many", None),
        ("xGiB", None),
        (None, None),
    ],
)
def test_sizes_are_read_as_pd_writes_them(text, size):
    assert measured({"capacity": text}, "capacity") == size
