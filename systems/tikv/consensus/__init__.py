"""A map in several copies, with an elected leader: what etcd is to PD and Raft is to TiKV, made small.

Raft's terms, votes, majorities, pre-vote, leader lease and hand-over of leadership, without its
membership changes. A follower applies an entry as soon as it has it, since only a leader with a
valid lease is ever read; a follower whose history differs from the leader's takes over the whole
map. That bounds the size: everything is in memory and must fit into one message.
"""

from systems.tikv.consensus.journal import Journal
from systems.tikv.consensus.replica import NotLeaderError, Replica
from systems.tikv.consensus.replication import Replication

__all__ = ["Journal", "NotLeaderError", "Replica", "Replication"]
