"""A model that hands everything to people at once."""

from support.model import Conversation, Reply
from support.sabotage.sabotage import Sabotage


def script(conversation: Conversation) -> Reply:
    """Looks at nothing and tries nothing."""
    return Reply("ESCALATED: this is better left to people.")


SABOTAGE = Sabotage(
    title="lazy model",
    sentence="The model hands everything to people at once, without a look.",
    breaks={
        "DEMO-05.4": "in Redis: a value less than or equal to <10>\n  but: was <15>",
        "DEMO-05.8": "the reason",
        "DEMO-04.4": "store tikv0 is Disconnected",
        "DEMO-04.8": "escalated with a reason that names tikv1 and what was tried",
    },
    leaves=("DEMO-01.1", "DEMO-05.1", "DEMO-02.1"),
    scenario="touches nothing else|with what it tried|^A store that cannot be brought back",
    script=script,
)
