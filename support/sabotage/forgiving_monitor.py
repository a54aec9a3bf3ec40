"""A monitor that resolves every ticket when it cannot see the cluster."""

from dataclasses import replace

from support.profile import Profile
from support.sabotage.sabotage import Sabotage

_PROGRAM = """
import re, signal, sqlite3, subprocess, sys
database, *command = sys.argv[1:]
monitor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, frame: monitor.send_signal(number))
for line in monitor.stdout:
    if re.search("Check (cycle )?failed", line):
        with sqlite3.connect(database, timeout=5) as tickets:
            tickets.execute(
                "UPDATE tickets SET status = 'resolved', resolved_at = datetime() WHERE status != 'resolved'"
            )
    print(line, end="", flush=True)
sys.exit(monitor.wait())
"""


def _forgiving(profile: Profile) -> Profile:
    return replace(profile, monitor=("{python}", "-c", _PROGRAM, "{db}", *profile.monitor))


SABOTAGE = Sabotage(
    title="forgiving monitor",
    sentence="The monitor resolves all tickets when it cannot see the cluster.",
    breaks=("DEMO-04.7",),
    profile=_forgiving,
)
