"""Replicas in simulated time: whatever fails, no two serve at once and nothing that was kept is lost."""

import random
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.tikv.consensus.journal import Journal
from systems.tikv.consensus.replica import NotLeaderError, Replica
from systems.tikv.timing import Pace

PACE = Pace(beat=4, lease=8, election_least=9, election_most=12)
VOTERS = (1, 2, 3)


class World:
    """Three replicas; messages arrive at once, unless the link is cut."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = 100.0
        self.cut: set[frozenset[int]] = set()
        self.asleep: set[int] = set()
        self.replicas = {voter: self.made(voter) for voter in VOTERS}
        self.kept: dict[str, str] = {}
        self.writes = 0

    def made(self, voter: int) -> Replica:
        return Replica(
            group=1,
            me=voter,
            voters=VOTERS,
            journal=Journal(self.directory / str(voter)),
            pace=PACE,
            eager=True,
            now=self.now,
        )

    def linked(self, one: int, other: int) -> bool:
        return frozenset({one, other}) not in self.cut and not {one, other} & self.asleep

    def poll(self, replica: Replica, *, trial: bool) -> bool:
        votes = 1
        ballot = replica.ballot(trial=trial, handed_over=False)
        for peer in replica.peers:
            if self.linked(replica.me, peer):
                reply = self.replicas[peer].on_ballot(ballot, self.now)
                replica.learn_term(reply["term"], self.now)
                votes += reply["granted"]
        return replica.won(votes)

    def beat(self, replica: Replica) -> None:
        for peer in replica.peers:
            if replica.leads and self.linked(replica.me, peer):
                message = replica.message_for(peer)
                reply = self.replicas[peer].on_message(message, self.now)
                replica.on_reply(peer, reply, sent=self.now, now=self.now)

    def step(self, seconds: float) -> None:
        self.now += seconds
        for replica in self.replicas.values():
            if replica.me in self.asleep:
                continue
            if replica.tick(self.now) and self.poll(replica, trial=True):
                replica.stand()
                term = replica.term
                if self.poll(replica, trial=False) and replica.term == term:
                    replica.lead(self.now)
            self.beat(replica)
            self.beat(replica)
        self.check()

    def write(self, voter: int) -> None:
        self.writes += 1
        replica, change = self.replicas[voter], {f"key{self.writes % 4}": str(self.writes)}
        if voter in self.asleep:
            return
        try:
            place = replica.propose(change, self.now)
        except NotLeaderError:
            return
        self.beat(replica)
        if replica.committed >= place:
            self.kept |= change
        else:
            # It may or may not be kept: from now on either value is right.
            for key in change:
                self.kept.pop(key, None)

    def check(self) -> None:
        serving = [each for each in self.replicas.values() if each.serves(self.now)]
        assert len(serving) <= 1, f"{[each.me for each in serving]} serve at once"
        for replica in serving:
            pairs = replica.journal.pairs
            lost = {key: value for key, value in self.kept.items() if pairs.get(key) != value}
            assert not lost, f"{replica.me} serves without {lost}"

    def settle(self) -> None:
        self.cut.clear()
        self.asleep.clear()
        for _ in range(60):
            self.step(1)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([0.5, 3, 7, 13])),
        st.tuples(st.just("write"), st.sampled_from(VOTERS)),
        st.tuples(st.just("cut"), st.sampled_from([(1, 2), (1, 3), (2, 3)])),
        st.tuples(st.just("mend"), st.sampled_from([(1, 2), (1, 3), (2, 3)])),
        st.tuples(st.just("pause"), st.sampled_from(VOTERS)),
        st.tuples(st.just("resume"), st.sampled_from(VOTERS)),
        st.tuples(st.just("restart"), st.sampled_from(VOTERS)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=ACTIONS, seed=st.integers(0, 2**16))
def test_no_two_serve_at_once_and_nothing_kept_is_lost(actions, seed):
    random.seed(seed)
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        world.step(1)
        for what, which in actions:
            if what == "wait":
                world.step(which)
            elif what == "write":
                world.write(which)
            elif what == "cut":
                world.cut.add(frozenset(which))
            elif what == "mend":
                world.cut.discard(frozenset(which))
            elif what == "pause":
                world.asleep.add(which)
            elif what == "resume":
                world.asleep.discard(which)
            else:
                world.replicas[which].journal.close()
                world.replicas[which] = world.made(which)
            world.check()
        world.settle()
        assert sum(each.serves(world.now) for each in world.replicas.values()) == 1
        histories = {each.journal.last: each.journal.pairs for each in world.replicas.values()}
        assert len(histories) == 1
        for replica in world.replicas.values():
            replica.journal.close()


def settled(directory: Path) -> tuple[World, Replica]:
    world = World(directory)
    world.settle()
    [leader] = [each for each in world.replicas.values() if each.serves(world.now)]
    return world, leader


def test_a_leader_without_answers_serves_no_longer_than_its_lease(tmp_path):
    world, leader = settled(tmp_path)
    world.cut = {frozenset({leader.me, peer}) for peer in leader.peers}
    assert leader.serves(world.now + PACE.lease - 0.1)
    assert not leader.serves(world.now + PACE.lease)


def test_nobody_votes_while_the_leader_is_heard(tmp_path):
    world, leader = settled(tmp_path)
    candidate = world.replicas[leader.peers[0]]
    ballot = candidate.ballot(trial=True, handed_over=False)
    voter = world.replicas[leader.peers[1]]
    assert not voter.on_ballot(ballot, world.now)["granted"]
    assert voter.on_ballot(ballot | {"handed_over": True}, world.now)["granted"]


def test_nobody_votes_for_a_candidate_that_lacks_entries(tmp_path):
    world, leader = settled(tmp_path)
    behind, voter = (world.replicas[peer] for peer in leader.peers)
    ballot = behind.ballot(trial=True, handed_over=True)
    world.cut = {frozenset({leader.me, behind.me})}
    world.write(leader.me)
    assert not voter.on_ballot(ballot, world.now)["granted"]


def test_an_overtaken_message_does_not_turn_back_time(tmp_path):
    world, leader = settled(tmp_path)
    follower = world.replicas[leader.peers[0]]
    old = leader.message_for(follower.me)
    whole = {name: old[name] for name in ("group", "term", "leader")}
    whole |= {"last": list(leader.journal.last), "pairs": dict(leader.journal.pairs)}
    world.write(leader.me)
    kept = dict(follower.journal.pairs)
    for message in (old, whole):
        follower.on_message(message, world.now)
        assert follower.journal.pairs == kept
