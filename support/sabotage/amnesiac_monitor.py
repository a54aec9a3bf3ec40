"""A monitor that forgets what it has filed, and files it again at the next check."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import falsified

_FORGET = """
CREATE TRIGGER IF NOT EXISTS forget AFTER UPDATE OF occurrence_count ON tickets
BEGIN
    TOOK EFFECT;
    INSERT INTO tickets (violation_key, invariant_name, store_id, first_seen_at, last_seen_at, message)
    SELECT violation_key, invariant_name, store_id, first_seen_at, last_seen_at, message FROM tickets
    WHERE id = NEW.id;
END;
"""

SABOTAGE = Sabotage(
    title="amnesiac monitor",
    sentence="The monitor forgets what it has filed, and files the same again and again.",
    breaks={
        "DEMO-05.2": "but: there were",
        "DEMO-04.2": "but: there were",
    },
    leaves=("DEMO-05.1", "DEMO-01.1"),
    scenario='A counter over its limit is noticed|store "tikv0" is killed: it is noticed, once',
    profile=partial(falsified, script=_FORGET, by_monitor=True),
)
