"""An agent whose audit trail is in the wrong order: the last comes first."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import falsified

_REVERSE = """
CREATE TRIGGER IF NOT EXISTS reverse AFTER INSERT ON agent_log_entries
BEGIN
    TOOK EFFECT;
    UPDATE agent_log_entries SET id = (SELECT min(id) FROM agent_log_entries) - 1 WHERE id = NEW.id;
END;
"""

SABOTAGE = Sabotage(
    title="confused agent",
    sentence="The agent's audit trail is in the wrong order.",
    breaks={
        "AUDIT-01.1": "in the order of what happened it is reasoning",
    },
    leaves=("DEMO-01.1", "DEMO-05.1"),
    profile=partial(falsified, script=_REVERSE),
)
