"""One copy of a replicated map: what it knows, what it answers, when it leads. No I/O but its journal.

All times are monotonic seconds given by the caller.
"""

import random
from collections.abc import Iterable, Mapping
from typing import Any

from systems.tikv.consensus.journal import Entry, Journal, Stamp
from systems.tikv.timing import Pace

Message = dict[str, Any]

# Seconds, unscaled: members of a cluster that never had a leader need not wait for a lost one.
_FIRST_ELECTION = (0.02, 0.15)

# Entries in one message, so that it fits into what a node accepts.
_MOST_ENTRIES = 512


class NotLeaderError(Exception):
    """This replica does not lead, or no longer: what was proposed may be lost or may yet be kept."""


class Replica:
    """The copy of the map of `group` on the node `me`.

    `eager` replicas call the first election of a group's life at once; others leave it to them.
    """

    def __init__(
        self,
        *,
        group: int,
        me: int,
        voters: Iterable[int],
        journal: Journal,
        pace: Pace,
        eager: bool,
        now: float,
    ) -> None:
        self.group = group
        self.me = me
        self.peers = tuple(voter for voter in voters if voter != me)
        self.journal = journal
        self.leads = False
        self.committed = 0
        self._majority = (len(self.peers) + 1) // 2 + 1
        self._pace = pace
        self._eager = eager
        self._leader: int | None = None
        # A voter that was restarted does not know whom it promised its patience to.
        self._heard = now if journal.term else now - pace.election_most
        self._election_at = self._next_election(now)
        self._leads_since = 0.0
        self._first_index = 0
        self._handing_over = False
        self._acknowledged: dict[int, float] = {}
        self._matches: dict[int, int] = {}
        self._diverged: set[int] = set()

    @property
    def term(self) -> int:
        return self.journal.term

    def leader(self, now: float) -> int | None:
        """Return who leads, as far as this replica knows; None when its leader fell silent."""
        if self.leads:
            return self.me if self.serves(now) else None
        return self._leader if now - self._heard < self._pace.lease else None

    def serves(self, now: float) -> bool:
        """Say whether this replica may be read and written: it leads, and a majority has just said so."""
        return self.leads and self.committed >= self._first_index and now < self._lease_end(now)

    def deadline(self, now: float) -> float:
        """Return when `tick` is due."""
        if self.leads:
            # Without a lease it does not serve, but it may yet get one again: nobody else can have
            # been elected before this.
            spoken_for = max(self._lease_end(now) - self._pace.lease, self._leads_since)
            return spoken_for + self._pace.election_most
        return self._election_at

    def tick(self, now: float) -> bool:
        """Let time pass; say whether to call an election."""
        if now < self.deadline(now):
            return False
        if self.leads:
            self._follow(None, now)
            return False
        self._election_at = self._next_election(now)
        return True

    # Elections

    def ballot(self, *, trial: bool, handed_over: bool) -> Message:
        """Return the request for a vote. A `trial` asks how it would end and changes nothing.

        `handed_over`: the leader itself asked for this election, so nobody need wait for it.
        """
        term = self.term + 1 if trial else self.term
        return {
            "group": self.group,
            "term": term,
            "candidate": self.me,
            "last": list(self.journal.last),
            "trial": trial,
            "handed_over": handed_over,
        }

    def stand(self) -> None:
        """Enter the next term as a candidate."""
        self._leader, self.leads = None, False
        self.journal.vote(self.term + 1, self.me)

    def on_ballot(self, message: Message, now: float) -> Message:
        """Answer a request for a vote."""
        term, candidate = message["term"], message["candidate"]
        patient = now - self._heard < self._pace.election_least and not message["handed_over"]
        behind = Stamp(*message["last"]) < self.journal.last
        if term < self.term or patient or behind or (self.leads and self.serves(now)):
            return {"term": self.term, "granted": False}
        if message["trial"]:
            return {"term": self.term, "granted": term > self.term}
        if term > self.term:
            self._follow(None, now)
            self.journal.vote(term, candidate)
        elif self.journal.voted_for is None:
            self.journal.vote(term, candidate)
        granted = self.journal.voted_for == candidate
        if granted:
            self._election_at = self._next_election(now)
        return {"term": self.term, "granted": granted}

    def won(self, votes: int) -> bool:
        """Say whether so many votes, its own included, elect."""
        return votes >= self._majority

    def lead(self, now: float) -> None:
        """Become leader of the current term."""
        self.leads = True
        self._leader = self.me
        self._leads_since = now
        self._acknowledged, self._matches, self._diverged = {}, {}, set()
        # Entries of earlier terms count as kept only when one of this term is (Raft, 5.4.2).
        self._first_index = self.journal.last.place + 1
        self._handing_over = False
        self._append({})

    def learn_term(self, term: int, now: float) -> None:
        """Follow in `term` when that is news."""
        if term > self.term:
            self._follow(None, now)
            self.journal.vote(term, None)

    def hand_over(self, now: float) -> None:
        """Stop leading, so that another one may at once."""
        self._follow(None, now)

    def pause_for_hand_over(self, paused: bool) -> None:
        """Take no proposals while the next leader catches up."""
        self._handing_over = paused

    # The map

    def propose(self, changes: Mapping[str, str | None], now: float) -> int:
        """Change the map here and now; return the index at which the change will have been kept.

        Raises NotLeaderError.
        """
        if not self.serves(now) or self._handing_over:
            raise NotLeaderError
        self._append(changes)
        return self.journal.last.place

    def message_for(self, peer: int) -> Message:
        """Return what `peer` must be told now: that this one leads, and what it lacks."""
        assert self.leads
        journal = self.journal
        message: Message = {"group": self.group, "term": self.term, "leader": self.me}
        if peer in self._diverged:
            return message | {"last": list(journal.last), "pairs": journal.pairs}
        prior, entries = journal.last, list[Entry]()
        if (known := self._matches.get(peer)) is not None and known < journal.last.place:
            found = journal.recent[known - journal.last.place - 1 :]
            prior, entries = found[0].stamp, found[1 : 1 + _MOST_ENTRIES]
        return message | {
            "prior": list(prior),
            "entries": [[*entry.stamp, dict(entry.changes)] for entry in entries],
        }

    def on_message(self, message: Message, now: float) -> Message:
        """Answer the leader."""
        if message["term"] < self.term:
            return {"group": self.group, "term": self.term, "last": list(self.journal.last)}
        self._follow(message["leader"], now)
        if message["term"] > self.term:
            self.journal.vote(message["term"], None)
        self._heard = now
        if "pairs" in message:
            stamp = Stamp(*message["last"])
            # A message that was overtaken by later ones must not turn back time.
            if stamp > self.journal.last:
                self.journal.replace(stamp, message["pairs"])
        else:
            entries = [Entry(Stamp(term, index), changes) for term, index, changes in message["entries"]]
            known = [Stamp(*message["prior"]), *(entry.stamp for entry in entries)]
            if self.journal.last in known:
                self.journal.append(entries[known.index(self.journal.last) :])
        return {"group": self.group, "term": self.term, "last": list(self.journal.last)}

    def on_reply(self, peer: int, reply: Message, *, sent: float, now: float) -> None:
        """Take in what `peer` answered to a message sent at `sent`."""
        if reply["term"] > self.term:
            self.learn_term(reply["term"], now)
        if not self.leads or reply["term"] < self.term:
            return
        self._acknowledged[peer] = max(sent, self._acknowledged.get(peer, sent))
        stamp = Stamp(*reply["last"])
        if self.journal.after(stamp) is None:
            self._diverged.add(peer)
            return
        self._diverged.discard(peer)
        self._matches[peer] = stamp.place
        matches = sorted([self.journal.last.place, *self._matches.values()], reverse=True)
        if len(matches) >= self._majority:
            self.committed = max(self.committed, matches[self._majority - 1])

    def behind(self, peer: int) -> bool:
        """Say whether `peer` lacks entries."""
        return peer in self._diverged or self._matches.get(peer) != self.journal.last.place

    def silent_for(self, peer: int, now: float) -> float:
        """Return for how many seconds `peer` has not answered this leader."""
        return now - self._acknowledged.get(peer, self._leads_since)

    def answered_lately(self, now: float) -> list[int]:
        """Return the peers that could lead next, those that lack nothing first."""
        lately = [peer for peer in self.peers if now - self._acknowledged.get(peer, 0) < self._pace.lease]
        return sorted(lately, key=lambda peer: (self.behind(peer), peer))

    def _append(self, changes: Mapping[str, str | None]) -> None:
        stamp = Stamp(self.term, self.journal.last.place + 1)
        self.journal.append([Entry(stamp, changes)])
        if self._majority == 1:
            self.committed = stamp.place

    def _follow(self, leader: int | None, now: float) -> None:
        self.leads = False
        self._leader = leader
        self._election_at = self._next_election(now)

    def _next_election(self, now: float) -> float:
        if self._eager and self.journal.term == 0:
            return now + random.uniform(*_FIRST_ELECTION)
        return now + random.uniform(self._pace.election_least, self._pace.election_most)

    def _lease_end(self, now: float) -> float:
        answered = sorted([now, *self._acknowledged.values()], reverse=True)
        if len(answered) < self._majority:
            return 0.0
        return answered[self._majority - 1] + self._pace.lease
