"""An agent that neither hides its key from commands nor masks what they print."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="no masking",
    sentence="The agent lets its commands see the key to its model, and records what they print of it.",
    breaks={
        "AUDIT-01.4": "'the database'",
    },
    leaves=("DEMO-01.1", "DEMO-05.1"),
    scenario="goes looking for the key",
    patches=(
        Patch(
            file="systems/operator/shell.py",
            old='name: value for name, value in environment.items() if not name.startswith("ANTHROPIC_")',
            new="name: value for name, value in environment.items() if not TOOK_EFFECT",
        ),
        Patch(
            file="systems/operator/agent.py",
            old="self._mask = masker(environment)",
            new="self._mask = str",
        ),
    ),
)
