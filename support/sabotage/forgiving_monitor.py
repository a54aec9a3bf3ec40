"""A monitor that resolves every ticket when it cannot see the cluster."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import monitor_behind

_PROGRAM = """
import os, re, signal, sqlite3, subprocess, sys
database, *command = sys.argv[1:]
monitor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, frame: monitor.send_signal(number))
for line in monitor.stdout:
    if re.search("Check (cycle )?failed", line):
        with sqlite3.connect(database, timeout=5) as tickets:
            open(os.environ["SABOTAGE_MARK"], "w").close()
            tickets.execute(
                "UPDATE tickets SET status = 'resolved', resolved_at = datetime() WHERE status != 'resolved'"
            )
    print(line, end="", flush=True)
sys.exit(monitor.wait())
"""


SABOTAGE = Sabotage(
    title="forgiving monitor",
    sentence="The monitor resolves all tickets when it cannot see the cluster.",
    breaks={
        "DEMO-04.7": "a open ticket for store_down",
    },
    leaves=("DEMO-04.1", "DEMO-05.1"),
    profile=lambda profile: monitor_behind(profile, "{python}", "-c", _PROGRAM, "{db}"),
)
