"""No ticket is lost and none is worked twice at once, whenever an agent is killed."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# How many agents are killed; OPERATOR_TEST_KILLS sets another number.
KILLS = int(os.environ.get("OPERATOR_TEST_KILLS", "30"))
TICKETS = 8

# A repair that notices another one at work on the same ticket, even for an instant.
REPAIR = """
import fcntl, pathlib, sys, time
here = pathlib.Path(sys.argv[1])
with here.with_suffix(".lock").open("a") as lock:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        here.with_suffix(".twice").touch()
    time.sleep(0.1)
"""


def test_agents_killed_at_random_instants_lose_no_ticket_and_never_share_one(
    start: Callable[..., Any],
    database: Any,
    model: Any,
    says: Callable[..., Any],
    runs: Callable[..., Any],
    tmp_path: Path,
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 (pytest shows it when the test fails)
    chance = random.Random(seed)
    repair = tmp_path / "repair.py"
    repair.write_text(REPAIR)

    def script(turn: int, request: dict[str, Any]) -> Any:
        if turn == 0:
            ticket = request["messages"][0]["content"].split(":")[0].removeprefix("Ticket #")
            return runs(f"{sys.executable} -I -S {repair} {tmp_path}/ticket-{ticket}")
        return runs("true") if turn == 1 else says("RESOLVED: done.")

    model.script = script
    agents = [start("agent", database.path)]
    agents[0].wait_for("Agent loop starting")
    for number in range(TICKETS):
        database.file_ticket(f"over_limit:{number}")
    agents.append(start("agent", database.path))
    for _ in range(KILLS):
        # From before it is ready to some tickets later; a third of the time goes into loading.
        time.sleep(chance.uniform(0.0, 1.2))
        unlucky = agents.pop(chance.randrange(len(agents)))
        unlucky.process.send_signal(signal.SIGKILL)
        agents.append(start("agent", database.path))
        if not database.rows("SELECT 1 FROM tickets WHERE status IN ('open', 'acknowledged')"):
            database.change(
                "UPDATE tickets SET status = 'open', resolved_at = NULL WHERE status = 'resolved'"
            )
    unsettled = "SELECT count(*) AS n FROM tickets WHERE status != 'resolved'"
    database.wait_until(f"SELECT 1 WHERE ({unsettled}) = 0")
    assert list(tmp_path.glob("*.twice")) == []
    running = database.rows("SELECT * FROM agent_sessions WHERE status = 'running'")
    assert running == []
    assert database.rows("SELECT * FROM tickets WHERE held != 0") == []
    assert database.rows("SELECT * FROM ticket_holders") == []
    summaries = {
        (row["status"], row["outcome_summary"][:10]) for row in database.rows("SELECT * FROM agent_sessions")
    }
    assert summaries == {("resolved", "done."), ("failed", "ABANDONED:")}
