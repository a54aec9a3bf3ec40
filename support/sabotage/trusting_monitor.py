"""A monitor that takes the agent's word: what was once resolved is never reported again."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import falsified

_TRUST = """
CREATE TRIGGER trust BEFORE INSERT ON tickets
WHEN EXISTS (SELECT 1 FROM tickets WHERE violation_key = NEW.violation_key AND status = 'resolved')
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER trust_still BEFORE UPDATE OF status ON tickets
WHEN OLD.status = 'resolved' AND NEW.status != 'resolved'
BEGIN SELECT RAISE(IGNORE); END;
"""

SABOTAGE = Sabotage(
    title="trusting monitor",
    sentence="The monitor takes the agent's word: what was once resolved is never reported again.",
    breaks=(
        "DEMO-04.9",
        "DEMO-05.9",
    ),
    profile=partial(falsified, script=_TRUST),
)
