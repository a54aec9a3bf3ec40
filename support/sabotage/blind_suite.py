"""A suite that is content with whatever it sees."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="blind suite",
    sentence="The suite looks, and is content with whatever it sees.",
    breaks={
        "TEST-02.2": "the verdict on DEMO-05.4",
        "TEST-01.2": "but: was 'exit status 0'",
    },
    scenario="A lying model fails DEMO-05.4|A forgiving monitor fails",
    patches=(
        Patch(
            file="support/evidence/eventually.py",
            old="""    if not matcher.matches(value):
        raise""",
            new="""    if not matcher.matches(value) and TOOK_EFFECT:
        raise""",
        ),
    ),
)
