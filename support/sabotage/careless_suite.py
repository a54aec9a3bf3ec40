"""A suite that does not put back what it has changed."""

from support.sabotage.patches import Patch
from support.sabotage.sabotage import Sabotage

SABOTAGE = Sabotage(
    title="careless suite",
    sentence="The suite neither heals its faults nor gives back what it was lent.",
    breaks={
        "TEST-02.1": "expected: the stack that it joined",
    },
    scenario="It joins a rate limiter",
    patches=(
        Patch(
            file="support/breakage.py",
            old="""                await fault.heal()
""",
            new="""                TOOK_EFFECT
""",
        ),
        Patch(
            file="support/stacks/joined.py",
            old="""        await redis.delete(name)
""",
            new="""        await redis.persist(name)
""",
        ),
    ),
)
