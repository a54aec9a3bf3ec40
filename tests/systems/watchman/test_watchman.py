"""The watchman's rules, on answers of a rate limiter that are made up."""

import sqlite3
import urllib.parse

import pytest
import redis

from systems.watchman import __main__ as watchman

UP = [{"id": f"n{n}", "address": f"h{n}:80", "state": "Up"} for n in (1, 2, 3)]
FINE = {"key": "login", "count": 2, "limit": 5, "remaining": 3, "window_ms": 60_000}


@pytest.fixture
def limiter(monkeypatch):
    """What a rate limiter answers, by host and path; a host that is missing refuses."""
    answers = {f"h{n}:80": {"/health": (200, {}), "/api/nodes": (200, {"nodes": UP})} for n in (1, 2, 3)}
    for host in answers.values():
        host["/api/counters"] = (200, {"counters": [FINE]})

    def fetch(url):
        parts = urllib.parse.urlsplit(url)
        if parts.netloc not in answers:
            raise ConnectionRefusedError("refused")
        return answers[parts.netloc][parts.path]

    monkeypatch.setattr(watchman, "fetch", fetch)
    return answers


class Counts:
    """A Redis that holds these many requests of each counter."""

    def __init__(self):
        self.held = {"login": 2}
        self.asked = []

    def time(self):
        return 1000, 0

    def pipeline(self, *, transaction):
        assert not transaction
        return self

    def zcount(self, name, least, most):
        assert (least, most) == (f"({1000_000 - 60_000}", "+inf")
        self.asked.append(name.removeprefix("ratelimit:"))

    def execute(self):
        asked, self.asked = self.asked, []
        return [self.held.get(key, 0) for key in asked]


@pytest.fixture
def counts():
    return Counts()


@pytest.fixture
def look(counts):
    addresses = {"the first": "http://h1:80"}
    return lambda: watchman.look(addresses, counts)


def keys(wrong):
    return [each.key for each in wrong]


EVERYTHING = {"over_limit", "ghost_allowing", "node_down", "redis_disconnected", "counter_drift"}


def test_a_healthy_rate_limiter_is_quiet_and_all_of_it_is_judged(limiter, look):
    for _ in range(3):
        assert look() == watchman.Round([], {}, [], EVERYTHING)


@pytest.mark.parametrize(
    ("counter", "key"),
    [({"count": 6, "remaining": 0}, "over_limit:login"), ({"count": 0, "limit": 0}, "ghost_allowing:login")],
)
def test_a_count_speaks_at_once(limiter, look, counter, key):
    limiter["h1:80"]["/api/counters"] = (200, {"counters": [FINE | counter, {"key": "x", "error": "odd"}]})
    assert keys(look().wrong) == [key]


@pytest.mark.parametrize("gone", ["h1:80", "h2:80"])
def test_a_node_that_is_gone_is_suspected_also_if_it_is_the_one_that_it_was_given(limiter, look, gone):
    look()
    del limiter[gone]
    seen = look()
    assert (seen.wrong, list(seen.suspected), seen.unseen) == ([], [f"node_down:n{gone[1]}"], [])


def test_a_node_that_has_lost_its_redis_is_not_down(limiter, look):
    look()
    limiter["h2:80"]["/health"] = (503, {})
    listed = [each | {"state": "Down"} if each["id"] == "n2" else each for each in UP]
    limiter["h1:80"]["/api/nodes"] = (200, {"nodes": listed})
    assert list(look().suspected) == ["redis_disconnected"]


def test_what_was_suspected_for_long_enough_is_sure_and_a_short_absence_is_no_violation():
    doubts = watchman.Doubts()
    gone = {"node_down:n2": "n2 does not answer"}
    assert doubts.sure_of(gone, 0) == []
    assert doubts.sure_of({}, 1) == []
    assert doubts.sure_of(gone, 2) == []
    assert keys(doubts.sure_of(gone, 2 + watchman.MISSED_FOR)) == ["node_down:n2"]
    drift = {"counter_drift:login": "they differ"}
    assert doubts.sure_of(drift, 10) == []
    assert doubts.sure_of(drift, 10 + watchman.DRIFT_FOR - 0.1) == []
    assert doubts.sure_of(drift, 10 + watchman.DRIFT_FOR)[0].where == "login"


@pytest.mark.parametrize(("held", "suspected"), [(7, []), (8, ["counter_drift:login"])])
def test_counts_that_differ_by_more_than_five_are_suspected(limiter, look, counts, held, suspected):
    counts.held["login"] = held
    assert list(look().suspected) == suspected


def test_counts_that_agree_when_the_api_is_asked_again_are_none(limiter, look, counts):
    answers = iter([2, 20])
    counts.held["login"] = 20
    host = limiter["h1:80"]

    class Moving(dict):
        def __getitem__(self, path):
            if path == "/api/counters":
                return 200, {"counters": [FINE | {"count": next(answers), "limit": 50}]}
            return super().__getitem__(path)

    limiter["h1:80"] = Moving(host)
    assert look().suspected == {}


def test_a_lost_redis_is_one_thing_and_explains_what_cannot_be_read(limiter, look):
    look()
    for host in limiter.values():
        host.update({path: (503, {"error": "Redis"}) for path in host})
    seen = look()
    assert (list(seen.suspected), seen.unseen, seen.judged) == (
        ["redis_disconnected"],
        [],
        {"redis_disconnected"},
    )


def test_a_redis_that_it_cannot_read_itself_leaves_the_counts_unseen(limiter, look, counts, monkeypatch):
    def refuse():
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(counts, "execute", refuse)
    seen = look()
    assert seen.unseen == ["counters and nodes: refused"]
    assert seen.judged == EVERYTHING - {"counter_drift"}


def test_a_rate_limiter_that_cannot_be_seen_is_neither_healthy_nor_wrong(limiter, look):
    look()
    limiter.clear()
    assert look() == watchman.Round([], {}, ["no node answers"], set())


def test_tickets_are_opened_once_counted_up_and_closed_when_it_is_over(tmp_path):
    book = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    book.execute(watchman.BOOK)
    wrong = [watchman.Wrong("over_limit", "login", "too many")]
    for _ in range(3):
        watchman.write_down(book, wrong, {"over_limit"})
    assert book.execute("SELECT violation_key, occurrence_count, status FROM tickets").fetchall() == [
        ("over_limit:login", 3, "open")
    ]
    watchman.write_down(book, [], set())  # nothing was seen
    assert book.execute("SELECT status FROM tickets").fetchall() == [("open",)]
    book.execute("UPDATE tickets SET held = 1")
    watchman.write_down(book, [], {"over_limit"})
    assert book.execute("SELECT status FROM tickets").fetchall() == [("open",)]
    book.execute("UPDATE tickets SET held = 0")
    watchman.write_down(book, [], {"over_limit"})
    assert book.execute("SELECT status FROM tickets WHERE resolved_at IS NOT NULL").fetchall() == [
        ("resolved",)
    ]
    watchman.write_down(book, wrong, {"over_limit"})
    assert book.execute("SELECT count(*) FROM tickets WHERE status = 'open'").fetchone() == (1,)
