"""watchman: look at a rate limiter again and again, and keep a book of what is wrong with it.

usage: python -m systems.watchman BOOK SECONDS

One loop. BOOK is a SQLite file, SECONDS the pause between two rounds; RATELIMITER_URL names a node, the
others are learned from it; REDIS_URL is the Redis they count in. SIGTERM or Ctrl-C ends the watch.

What it knows: a counter over its limit, a counter that allows requests with a limit of 0, a node that is
down, a Redis that the nodes have lost, and counts that Redis does not know of. A node or a Redis may be
back in a moment, so it is missed for some time before there is a ticket; counts may be a moment apart, so
they must differ for WATCHMAN_DRIFT_SECONDS (30); any other count speaks at once.
"""

import json
import os
import signal
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple

import redis

MISSED_FOR = 1.5
DRIFT = 5
DRIFT_FOR = float(os.environ.get("WATCHMAN_DRIFT_SECONDS", "30"))
TIMEOUT = 1.0
CREW = ThreadPoolExecutor(8)

BOOK = """
CREATE TABLE IF NOT EXISTS tickets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  violation_key TEXT NOT NULL, invariant_name TEXT NOT NULL, store_id TEXT,
  status TEXT NOT NULL DEFAULT 'open', held INTEGER NOT NULL DEFAULT 0, batch_key TEXT,
  occurrence_count INTEGER NOT NULL DEFAULT 1, first_seen_at TEXT NOT NULL, last_seen_at TEXT NOT NULL,
  resolved_at TEXT, message TEXT NOT NULL, severity TEXT NOT NULL DEFAULT 'warning', diagnosis TEXT,
  metric_snapshot TEXT, subject_context TEXT, variant_model TEXT, variant_system_prompt TEXT,
  variant_tools_config TEXT, created_at TEXT, updated_at TEXT
)
"""


class Wrong(NamedTuple):
    """One thing that is wrong: which rule it breaks, where (None: everywhere), and in words."""

    rule: str
    where: str | None
    words: str

    @property
    def key(self) -> str:
        return self.rule if self.where is None else f"{self.rule}:{self.where}"


def say(text: str) -> None:
    print(f"watchman: {text}", flush=True)  # noqa: T201 - its output is its report


def now() -> str:
    return datetime.now(UTC).isoformat()


def fetch(url: str) -> tuple[int, Any]:
    """Status and JSON body, whatever the status; OSError or ValueError when there is no such answer."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)


class Doubts:
    """What may be wrong, and since when."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}

    def sure_of(self, suspected: dict[str, str], at: float) -> list[Wrong]:
        """What has been suspected for long enough by then; whatever is suspected no more is forgotten."""
        self.since = {key: self.since.get(key, at) for key in suspected}
        return [
            Wrong(rule, where or None, suspected[key])
            for key, since in self.since.items()
            for rule, _, where in [key.partition(":")]
            if at - since >= (DRIFT_FOR if rule == "counter_drift" else MISSED_FOR)
        ]


class Round(NamedTuple):
    """What one round found: what is wrong, what may be, what could not be seen, the rules it could judge."""

    wrong: list[Wrong]
    suspected: dict[str, str]
    unseen: list[str]
    judged: set[str]


def health_of(url: str) -> int | None:
    """The status of a node's health; None when it does not answer."""
    try:
        return fetch(f"{url}/health")[0]
    except (OSError, ValueError):
        return None


def look(addresses: dict[str, str], counts_in: "redis.Redis") -> Round:
    """One round; learns nodes into `addresses`."""
    health = dict(zip(addresses, CREW.map(health_of, addresses.values()), strict=True))
    well = [addresses[node] for node, status in health.items() if status == 200]
    astray = [node for node, status in health.items() if status not in (200, None)]
    suspected = {}
    if astray:
        suspected["redis_disconnected"] = f"{', '.join(astray)} cannot reach Redis"
    if not well and not astray:
        return Round([], {}, ["no node answers"], set())
    silent = {node: f"node {node} does not answer" for node, status in health.items() if status is None}
    silent.pop("the first", None)
    if not well:  # a lost Redis explains whatever else cannot be seen
        suspected |= {f"node_down:{node}": words for node, words in silent.items()}
        return Round([], suspected, [], {"redis_disconnected"})
    wrong: list[Wrong] = []
    unseen: list[str] = []
    judged = {"redis_disconnected"}
    try:
        listed, counters = read(well[0])
        for node in listed:
            name = node["id"]
            addresses.setdefault(name, "http://" + node["address"].removeprefix("http://"))
            if node["state"] != "Up" and name not in astray:
                silent.setdefault(name, f"node {name} is {node['state']}")
        addresses.pop("the first", None)
        wrong = wrong_counters(counters)
        judged |= {"node_down", "over_limit", "ghost_allowing"}
        suspected |= adrift(counters, counts_in, well[0])
        judged.add("counter_drift")
    except (OSError, ValueError, KeyError, TypeError, redis.RedisError) as error:
        unseen.append(f"counters and nodes: {error}")
    suspected |= {f"node_down:{node}": words for node, words in silent.items()}
    return Round(wrong, suspected, unseen, judged)


def read(url: str) -> tuple[list[Any], list[Any]]:
    """The nodes and the counters, as a node tells them."""
    (status, nodes), (also, counters) = CREW.map(fetch, (f"{url}/api/nodes", f"{url}/api/counters"))
    if (status, also) != (200, 200):
        raise OSError(f"{url} answers {status} and {also}")
    return nodes["nodes"], counters["counters"]


def adrift(counters: list[Any], counts_in: "redis.Redis", url: str) -> dict[str, str]:
    """The counters of which API and Redis say different things, now and when the API is asked again."""
    told = {each["key"]: each for each in counters if "error" not in each}
    apart = {key: held for key, held in held_in(counts_in, told).items() if off(told[key]["count"], held)}
    if not apart:
        return {}
    again = {each["key"]: each for each in read(url)[1] if "error" not in each}
    return {
        f"counter_drift:{key}": f"{key} stands at {again[key]['count']}, in Redis at {held}"
        for key, held in apart.items()
        if key in again and off(again[key]["count"], held)
    }


def off(count: int, held: int) -> bool:
    return abs(count - held) > DRIFT


def held_in(counts_in: "redis.Redis", told: dict[str, Any]) -> dict[str, int]:
    """For each counter the requests of its window that Redis holds."""
    asking = counts_in.pipeline(transaction=False)
    seconds, micros = counts_in.time()
    now_ms = seconds * 1000 + micros // 1000
    for key, each in told.items():
        asking.zcount(f"ratelimit:{key}", f"({now_ms - each['window_ms']}", "+inf")
    return dict(zip(told, asking.execute(), strict=True))


def wrong_counters(counters: list[Any]) -> list[Wrong]:
    found = []
    for each in counters:
        if "error" in each:
            continue
        key, count, limit, left = each["key"], each["count"], each["limit"], each["remaining"]
        if count > limit:
            found.append(Wrong("over_limit", key, f"{key} stands at {count}, its limit is {limit}"))
        if limit == 0 and left > 0:
            found.append(Wrong("ghost_allowing", key, f"{key} has a limit of 0 and {left} remaining"))
    return found


def write_down(book: sqlite3.Connection, wrong: list[Wrong], judged: set[str]) -> None:
    """Open, count up and close tickets."""
    with book:
        book.execute("BEGIN IMMEDIATE")
        standing = {
            key: (number, rule, held)
            for number, key, rule, held in book.execute(
                "SELECT id, violation_key, invariant_name, held FROM tickets WHERE status != 'resolved'"
            )
        }
        for each in wrong:
            if each.key in standing:
                book.execute(
                    "UPDATE tickets SET occurrence_count = occurrence_count + 1, last_seen_at = ?"
                    " WHERE id = ?",
                    (now(), standing[each.key][0]),
                )
                continue
            opened = book.execute(
                "INSERT INTO tickets (violation_key, invariant_name, store_id, first_seen_at, last_seen_at,"
                " message, severity) VALUES (?, ?, ?, ?, ?, ?, 'critical')",
                (each.key, each.rule, each.where, now(), now(), each.words),
            )
            say(f"wrote ticket no. {opened.lastrowid} on {each.key} ({each.words})")
        keys = {each.key for each in wrong}
        over = [
            n for key, (n, rule, held) in standing.items() if key not in keys and rule in judged and not held
        ]
        for number in over:
            book.execute(
                "UPDATE tickets SET status = 'resolved', resolved_at = ? WHERE id = ?", (now(), number)
            )
    if over:
        say(f"{len(over)} ticket(s) closed: it is over")


def main(path: str, pause: float) -> None:
    book = sqlite3.connect(path, timeout=5, isolation_level=None)
    book.execute(BOOK)
    addresses = {"the first": os.environ["RATELIMITER_URL"].rstrip("/")}
    counts_in = redis.Redis.from_url(
        os.environ["REDIS_URL"], socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )
    doubts = Doubts()
    say(f"on duty, a round every {pause:g} s")
    while True:
        began = time.monotonic()
        seen = look(addresses, counts_in)
        sure = doubts.sure_of(seen.suspected, time.monotonic())
        wrong = [*seen.wrong, *sure]
        doubtful = [words for words in seen.suspected.values() if words not in {each.words for each in sure}]
        open_rules = {key.partition(":")[0] for key in seen.suspected}
        write_down(book, wrong, seen.judged - open_rules)
        found = f"found {len(wrong)} thing(s) wrong: " + "; ".join(each.words for each in wrong)
        if seen.unseen or (doubtful and not wrong):
            missing = "not everything could be seen: " + "; ".join([*seen.unseen, *doubtful])
            say(f"round not finished, {found + '; ' if wrong else ''}{missing}")
        else:
            say(f"round done, {found if wrong else 'all quiet'}")
        time.sleep(max(0.0, pause - (time.monotonic() - began)))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        main(sys.argv[1], float(sys.argv[2]))
    except KeyboardInterrupt:
        os._exit(0)  # whoever of the crew still waits for a node is not waited for
