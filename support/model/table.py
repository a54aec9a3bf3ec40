"""A script given as a table in a feature: what the model sees, what it says, what it runs, row by row.

| it sees  | it says                 | it runs      |
| checkout | I look at the counters. | echo $((6*7)) |
| 42       | RESOLVED: it was 42.    |              |
"""

from collections.abc import Mapping, Sequence

from support.model.conversation import Conversation
from support.model.misbehaving import PlainScript
from support.model.script import NoAnswer, Reply, Story, story
from support.verdict import BrokenBed

_COLUMNS = ("it sees", "it says", "it runs")


def script_of(rows: Sequence[Mapping[str, str]]) -> PlainScript:
    """The script that the rows tell, from top to bottom.

    `it sees` must be found in what the operator said or returned last (in the first row: in the ticket);
    left empty, anything will do. A row that runs nothing is the last. Raises BrokenBed for a table that
    is no script.
    """
    _check(rows)

    @story
    def told_in_the_feature(conversation: Conversation) -> Story:
        seen = conversation.asked
        for number, row in enumerate(rows, start=1):
            if row["it sees"] not in seen:
                raise NoAnswer(f"row {number} of its table wants to see {row['it sees']!r}")
            if not row["it runs"]:
                return Reply(row["it says"])
            turn = yield Reply(row["it says"], [row["it runs"]])
            seen = turn.heard or turn.output
        raise AssertionError("the last row runs nothing")

    return told_in_the_feature


def _check(rows: Sequence[Mapping[str, str]]) -> None:
    for number, row in enumerate(rows, start=1):
        if tuple(row) != _COLUMNS:
            raise BrokenBed(f"the script's columns are {', '.join(row)}; they must be {', '.join(_COLUMNS)}")
        if bool(row["it runs"]) == (number == len(rows)):
            raise BrokenBed(f"row {number} of the script: the last row, and only that, runs nothing")
    if not rows:
        raise BrokenBed("the script has no rows")
