"""The watchman's rules, on answers of a rate limiter that are made up."""

import sqlite3
import urllib.parse
from collections import Counter

import pytest

from systems.watchman import __main__ as watchman

UP = [{"id": f"n{n}", "address": f"h{n}:80", "state": "Up"} for n in (1, 2, 3)]
FINE = {"key": "login", "count": 2, "limit": 5, "remaining": 3}


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


@pytest.fixture
def look():
    addresses, streaks = {"the first": "http://h1:80"}, Counter()
    return lambda: watchman.look(addresses, streaks)


def keys(wrong):
    return [each.key for each in wrong]


def test_a_healthy_rate_limiter_is_quiet_and_all_of_it_is_judged(limiter, look):
    for _ in range(4):
        wrong, judged, unknown = look()
    assert (wrong, unknown) == ([], [])
    assert judged == {"over_limit", "ghost_allowing", "node_down", "redis_disconnected"}


@pytest.mark.parametrize(
    ("counter", "key"),
    [({"count": 6, "remaining": 0}, "over_limit:login"), ({"count": 0, "limit": 0}, "ghost_allowing:login")],
)
def test_a_count_speaks_at_once(limiter, look, counter, key):
    limiter["h1:80"]["/api/counters"] = (200, {"counters": [FINE | counter, {"key": "x", "error": "odd"}]})
    assert keys(look()[0]) == [key]


def test_a_node_that_is_gone_is_reported_when_it_is_gone_for_three_rounds(limiter, look):
    look()
    del limiter["h2:80"]
    assert [bool(look()[2]) for _ in range(2)] == [True, True]
    assert keys(look()[0]) == ["node_down:n2"]


def test_the_node_it_was_given_may_be_the_one_that_is_gone(limiter, look):
    look()
    del limiter["h1:80"]
    assert keys([look() for _ in range(3)][-1][0]) == ["node_down:n1"]


def test_a_short_absence_is_no_violation(limiter, look):
    look()
    gone = limiter.pop("h2:80")
    look(), look()
    limiter["h2:80"] = gone
    assert look()[0] == []
    limiter.pop("h2:80")
    assert look()[0] == []


def test_a_lost_redis_is_one_thing_and_explains_what_cannot_be_read(limiter, look):
    look()
    for host in limiter.values():
        host.update({path: (503, {"error": "Redis"}) for path in host})
    wrong, judged, unknown = [look() for _ in range(3)][-1]
    assert keys(wrong) == ["redis_disconnected"]
    assert unknown == []
    assert "over_limit" not in judged


def test_a_rate_limiter_that_cannot_be_seen_is_neither_healthy_nor_wrong(limiter, look):
    look()
    limiter.clear()
    for _ in range(5):
        wrong, judged, unknown = look()
        assert wrong == []
        assert judged == set()
        assert unknown


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
