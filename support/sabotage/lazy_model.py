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
        "DEMO-05.4": "",
        "DEMO-05.8": "",
        "DEMO-04.4": "",
        "DEMO-04.8": "",
    },
    leaves=("DEMO-01.1", "DEMO-05.1", "DEMO-02.1"),
    scenario="touches nothing else|with what it tried|a lost PD leader|handed on",
    script=script,
)
