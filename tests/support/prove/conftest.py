"""A matrix with every outcome in it."""

import pytest

from support.prove.matrix import Matrix, Tried


def tried(sabotage: str, criterion: str, outcome: str, **more) -> Tried:
    must = "leave" if outcome in ("left green", "wrongly red") else "break"
    more = {"must": must, "saw": "", "scenario": "features/a.feature:3", "seconds": 2.0, **more}
    return Tried(sabotage=sabotage, criterion=criterion, outcome=outcome, **more)


@pytest.fixture
def matrix() -> Matrix:
    return Matrix(
        tried=(
            tried("blind", "DEMO-01.1", "caught", saw="expected: a ticket\n  but: there was none"),
            tried("blind", "DEMO-01.2", "left green"),
            tried("deaf", "DEMO-01.2", "missed", saw="green, though the sabotage was at work"),
            tried("deaf", "DEMO-01.1", "wrongly red", saw="expected: <silence>"),
            tried("rich", "DEMO-02.1", "not applicable", saw="there is no key"),
            tried("rich", "DEMO-01.1", "broken", must="break", saw="no Redis"),
        ),
        titles={"blind": "blind monitor", "deaf": "deaf agent", "rich": "rich model"},
        sentences={"blind": "It does not look.", "deaf": "It does not hear.", "rich": "It spends."},
        took={"blind": 3.0, "deaf": 2.5, "rich": 4.0},
        criteria=("DEMO-01.1", "DEMO-01.2", "DEMO-02.1", "DEMO-02.2", "DEMO-03.1"),
        uncovered=frozenset({"DEMO-03.1"}),
        started="2026-01-01T00:00:00.000Z",
        seconds=12.0,
        jobs=2,
        processors=4,
        operator="built-in",
        commit="0123456789ab",
        code="0123456789ab",
    )
