"""Findings, and how long something has been seen."""

from systems.operator.invariants import Finding, Persistence, Violation


def test_a_violation_key_names_the_identifier_unless_the_whole_cluster_is_meant() -> None:
    assert Violation("node_down", "ratelimiter-2", "…").key == "node_down:ratelimiter-2"
    assert Violation("redis_disconnected", None, "…").key == "redis_disconnected"


def test_a_finding_clears_what_it_neither_blames_nor_doubts() -> None:
    finding = Finding("node_down", (Violation("node_down", "a", "…"),), {"b": "perhaps"})
    assert [finding.clears(name) for name in ("a", "b", "c")] == [False, False, True]


def test_an_unobserved_invariant_clears_nothing() -> None:
    finding = Finding("over_limit", unobserved="Redis does not answer")
    assert not finding.clears("checkout")
    assert not finding.clears(None)


def test_a_doubt_about_the_cluster_does_not_clear_it() -> None:
    assert Finding("redis_disconnected").clears(None)
    assert not Finding("redis_disconnected", undecided={"redis": "silent once"}).clears(None)


def test_time_counts_from_the_first_sighting() -> None:
    seen = Persistence()
    seen.seen(["a"], at=10.0)
    seen.seen(["a", "b"], at=12.5)
    assert (seen.seconds("a", at=13.0), seen.seconds("b", at=13.0)) == (3.0, 0.5)


def test_what_was_seen_absent_begins_anew() -> None:
    seen = Persistence()
    seen.seen(["a"], at=10.0)
    seen.seen([], at=11.0)
    assert seen.seconds("a", at=12.0) == 0.0
    seen.seen(["a"], at=12.0)
    assert seen.seconds("a", at=13.0) == 1.0


def test_what_could_not_be_seen_neither_begins_nor_ends() -> None:
    seen = Persistence()
    seen.seen(["a"], at=10.0)
    seen.seen([], at=11.0, unknown=["a", "b"])
    seen.seen(["a", "b"], at=12.0)
    assert (seen.seconds("a", at=12.0), seen.seconds("b", at=12.0)) == (2.0, 0.0)
