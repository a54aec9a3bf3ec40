"""A monitor that names another part than the one that is broken."""

from functools import partial

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import falsified

_MISNAME = """
CREATE TRIGGER IF NOT EXISTS misname AFTER INSERT ON tickets WHEN NEW.store_id IS NOT NULL
BEGIN TOOK EFFECT; UPDATE tickets SET store_id = 'another' WHERE id = NEW.id; END;
"""

SABOTAGE = Sabotage(
    title="misnaming monitor",
    sentence="The monitor files a ticket for another part than the one that is broken.",
    breaks={
        "DEMO-05.2": "for over_limit",
        "DEMO-04.2": "for store_down",
    },
    leaves=("DEMO-05.1",),
    scenario='A counter over its limit is noticed|store "tikv0" is killed: it is noticed, once',
    profile=partial(falsified, script=_MISNAME, by_monitor=True),
)
