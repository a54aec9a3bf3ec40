"""What a replica keeps on disk is there again, whenever its writer was killed."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from systems.tikv.consensus.journal import Entry, Journal, Stamp

LETTERS = st.sampled_from(string.ascii_letters[:6])
CHANGES = st.dictionaries(LETTERS, st.none() | LETTERS)


def entries(*changes, term: int = 1, after: int = 0) -> list[Entry]:
    return [Entry(Stamp(term, after + place), each) for place, each in enumerate(changes, 1)]


def applied(changes) -> dict[str, str]:
    pairs: dict[str, str | None] = {}
    for each in changes:
        pairs |= each
    return {key: value for key, value in pairs.items() if value is not None}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


def test_a_new_journal_is_empty(path):
    journal = Journal(path)
    assert (journal.term, journal.voted_for, journal.last, journal.pairs) == (0, None, Stamp(0, 0), {})


def test_a_vote_is_remembered(path):
    Journal(path).vote(7, 3)
    again = Journal(path)
    assert (again.term, again.voted_for) == (7, 3)


@example(changes=[{"a": "b"}], cut=1)
@given(changes=st.lists(CHANGES, max_size=8), cut=st.integers(min_value=0, max_value=400))
def test_a_journal_that_was_cut_short_holds_whole_changes_only(tmp_path_factory, changes, cut):
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal = Journal(path)
    journal.append(entries(*changes))
    journal.close()
    with path.open("r+b") as file:
        file.truncate(max(0, file.seek(0, 2) - cut))
    again = Journal(path)
    assert again.last.place <= len(changes)
    assert again.pairs == applied(changes[: again.last.place])
    if not cut:
        assert again.last.place == len(changes)
    # And it can be written on.
    again.append(entries({"more": "1"}, after=again.last.place))
    again.close()
    assert Journal(path).pairs["more"] == "1"


def test_a_replaced_map_is_all_there_is(path):
    journal = Journal(path)
    journal.append(entries({"old": "1"}))
    journal.vote(3, 2)
    journal.replace(Stamp(2, 9), {"new": "2"})
    journal.append(entries({"more": "3"}, term=3, after=9))
    again = Journal(path)
    assert (again.pairs, again.last) == ({"new": "2", "more": "3"}, Stamp(3, 10))
    assert (again.term, again.voted_for) == (3, 2)


def test_recent_history_is_known_and_the_rest_is_not(path):
    journal = Journal(path)
    made = entries(*({str(number): "x"} for number in range(10)))
    journal.append(made)
    assert journal.after(Stamp(1, 4)) == made[4:]
    assert journal.after(Stamp(1, 10)) == []
    for stranger in (Stamp(2, 4), Stamp(1, 11), Stamp(0, 0)):
        assert journal.after(stranger) is None


def test_a_journal_does_not_grow_for_ever(path):
    journal = Journal(path)
    for number in range(1, 25_000):
        journal.append([Entry(Stamp(1, number), {"key": "x" * 20})])
    assert path.stat().st_size < 24_999 * 30
    assert Journal(path).pairs == {"key": "x" * 20}
    assert Journal(path).last == Stamp(1, 24_999)
