"""watchman: look at a rate limiter again and again, and keep a book of what is wrong with it.

usage: python -m systems.watchman BOOK SECONDS

One loop, one thread, the standard library alone. BOOK is a SQLite file, SECONDS the pause between two
rounds; RATELIMITER_URL names a node, the others are learned from it. SIGTERM or Ctrl-C ends the watch.

What it knows: a counter over its limit, a counter that allows requests with a limit of 0, a node that is
down, a Redis that the nodes have lost. What it has seen in fewer than three rounds running may be a
restart, and is no ticket yet; a count speaks at once.
"""

import json
import os
import signal
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from typing import Any, NamedTuple

ROUNDS_TO_BE_SURE = 3
TIMEOUT = 1.0

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


def look(addresses: dict[str, str], streaks: Counter[str]) -> tuple[list[Wrong], set[str], list[str]]:
    """One round: what is wrong, the rules that could be judged, and what is not known yet.

    Learns nodes into `addresses`; `streaks` counts in how many rounds running a thing was suspected.
    """
    answers: dict[str, tuple[int, Any] | None] = {}
    for node, url in addresses.items():
        try:
            answers[node] = fetch(f"{url}/health")
        except (OSError, ValueError):
            answers[node] = None
    awake = [addresses[node] for node, answer in answers.items() if answer is not None]
    suspects = {
        f"node_down:{node}": f"node {node} does not answer" for node, a in answers.items() if a is None
    }
    lost = [node for node, answer in answers.items() if answer is not None and answer[0] != 200]
    if lost:
        suspects["redis_disconnected"] = f"{', '.join(lost)} cannot reach Redis"
    wrong: list[Wrong] = []
    unknown: list[str] = []
    judged = {"redis_disconnected", "node_down"} if awake else set()
    try:
        listed, counters = read(awake)
    except (OSError, ValueError, KeyError, TypeError) as error:
        unknown.append(f"counters and nodes: {error}")
        judged.discard("node_down")
    else:
        for node in listed:
            addresses.setdefault(node["id"], "http://" + node["address"].removeprefix("http://"))
            if node["state"] != "Up":
                suspects.setdefault(f"node_down:{node['id']}", f"node {node['id']} is {node['state']}")
        addresses.pop("the first", None)
        judged |= {"over_limit", "ghost_allowing"}
        wrong += wrong_counters(counters)
    for gone in set(streaks) - set(suspects):
        del streaks[gone]
    for key, words in suspects.items():
        streaks[key] += 1
        if streaks[key] < ROUNDS_TO_BE_SURE:
            unknown.append(words)
            continue
        rule, _, where = key.partition(":")
        if where != "the first" and (rule != "node_down" or awake):
            wrong.append(Wrong(rule, where or None, words))
    if "redis_disconnected" in {each.rule for each in wrong}:
        unknown = []  # it explains whatever else could not be seen
    return wrong, judged, unknown


def read(awake: list[str]) -> tuple[list[Any], list[Any]]:
    """The nodes and the counters, as the first node that is awake tells them."""
    if not awake:
        raise OSError("no node answers")
    (status, nodes), (also, counters) = fetch(f"{awake[0]}/api/nodes"), fetch(f"{awake[0]}/api/counters")
    if (status, also) != (200, 200):
        raise OSError(f"{awake[0]} answers {status} and {also}")
    return nodes["nodes"], counters["counters"]


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
    streaks: Counter[str] = Counter()
    say(f"on duty, a round every {pause:g} s")
    while True:
        began = time.monotonic()
        wrong, judged, unknown = look(addresses, streaks)
        write_down(book, wrong, judged - {rule for key in streaks for rule in [key.partition(":")[0]]})
        if wrong:
            say(f"round done, found {len(wrong)} thing(s) wrong: " + "; ".join(each.words for each in wrong))
        elif unknown:
            say("round not finished, not everything could be seen: " + "; ".join(unknown))
        else:
            say("round done, all quiet")
        time.sleep(max(0.0, pause - (time.monotonic() - began)))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        main(sys.argv[1], float(sys.argv[2]))
    except KeyboardInterrupt:
        sys.exit(0)
