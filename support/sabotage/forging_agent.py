"""Tickets that are marked as resolved behind the agent's back, before anything is repaired."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import falsified

_FORGE = """
CREATE TRIGGER IF NOT EXISTS forge AFTER UPDATE OF status ON tickets WHEN NEW.status = 'acknowledged'
BEGIN
    TOOK EFFECT;
    UPDATE tickets SET status = 'resolved', resolved_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')
    WHERE id = NEW.id;
END;
"""

SABOTAGE = Sabotage(
    title="forged tickets",
    sentence="Somebody marks tickets as resolved while the agent is still at work on them.",
    breaks={
        "DEMO-05.5": "nothing changed the stack after the fault",
        "DEMO-04.5": "nothing changed the stack after the fault",
    },
    leaves=("DEMO-05.1", "DEMO-02.1"),
    scenario="The ticket is resolved by a repair that holds",
    profile=partial(falsified, script=_FORGE),
)
