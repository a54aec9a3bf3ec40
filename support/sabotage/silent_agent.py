"""An agent that keeps no audit trail: its sessions have an outcome, and no entries."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import falsified

_FORGET = """
CREATE TRIGGER IF NOT EXISTS forget AFTER INSERT ON agent_log_entries
BEGIN TOOK EFFECT; DELETE FROM agent_log_entries WHERE id = NEW.id; END;
"""

SABOTAGE = Sabotage(
    title="silent agent",
    sentence="The agent keeps no record of what it thought and ran.",
    breaks={
        "AUDIT-01.2": "was exchanged and is not on record",
    },
    leaves=("DEMO-01.1", "DEMO-05.1"),
    profile=partial(falsified, script=_FORGET),
)
