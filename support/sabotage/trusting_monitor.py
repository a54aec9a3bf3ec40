"""A monitor that takes the agent's word: what was once resolved is never reported again."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import falsified

_TRUST = """
CREATE TRIGGER IF NOT EXISTS trust BEFORE INSERT ON tickets
WHEN EXISTS (SELECT 1 FROM tickets WHERE violation_key = NEW.violation_key AND status = 'resolved')
BEGIN TOOK EFFECT; SELECT RAISE(IGNORE); END;
CREATE TRIGGER IF NOT EXISTS trust_still BEFORE UPDATE OF status ON tickets
WHEN OLD.status = 'resolved' AND NEW.status != 'resolved'
BEGIN TOOK EFFECT; SELECT RAISE(IGNORE); END;
"""

SABOTAGE = Sabotage(
    title="trusting monitor",
    sentence="The monitor takes the agent's word: what was once resolved is never reported again.",
    breaks={
        "DEMO-05.9": "expected: a ticket for counter checkout is open again after 2 checks",
        "DEMO-04.9": "is open again after 2 checks",
    },
    leaves=("DEMO-05.1", "DEMO-02.1"),
    profile=partial(falsified, script=_TRUST),
)
