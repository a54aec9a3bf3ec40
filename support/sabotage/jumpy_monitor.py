"""A monitor that takes every change of PD's leader for a violation."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import monitor_behind

_PROGRAM = """
import json, os, signal, sqlite3, subprocess, sys, time, urllib.request
database, *command = sys.argv[1:]
monitor = subprocess.Popen(command)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, frame: monitor.send_signal(number))
leader = None
while monitor.poll() is None:
    try:
        with urllib.request.urlopen(os.environ["PD_ENDPOINT"] + "/pd/api/v1/leader", timeout=1) as answer:
            name = json.load(answer)["name"]
        if leader not in (None, name):
            with sqlite3.connect(database, timeout=5) as tickets:
                open(os.environ["SABOTAGE_MARK"], "w").close()
                tickets.execute(
                    "INSERT INTO tickets"
                    " (violation_key, invariant_name, first_seen_at, last_seen_at, message) VALUES"
                    " ('pd_no_leader', 'pd_no_leader', datetime(), datetime(), 'PD changed its leader')"
                )
        leader = name
    except (OSError, ValueError, KeyError):
        pass
    time.sleep(0.05)
sys.exit(monitor.returncode)
"""


SABOTAGE = Sabotage(
    title="jumpy monitor",
    sentence="The monitor takes every change of PD's leader for a violation.",
    breaks={
        "DEMO-04.6": "expected: no ticket\n  but: there was:\n    ticket #1 for pd_no_leader",
    },
    leaves=("DEMO-04.1",),
    scenario="PD changes its leader",
    profile=lambda profile: monitor_behind(profile, "{python}", "-c", _PROGRAM, "{db}"),
)
