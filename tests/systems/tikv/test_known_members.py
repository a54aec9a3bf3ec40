"""What a PD member says of itself reaches its leader, whoever that becomes."""

import asyncio
import json
from time import monotonic

from systems.tikv.consensus import Journal, Replica, Replication
from systems.tikv.flags import PdFlags
from systems.tikv.http_server import Request
from systems.tikv.pd.cluster import Cluster
from systems.tikv.pd.members import Members, member_id
from systems.tikv.timing import timing

TIMING = timing(20)
PEERS = {name: (f"http://127.0.0.1:{port}",) for name, port in (("pd0", 1), ("pd1", 2), ("pd2", 3))}
ME, LEADER = member_id(PEERS["pd2"]), member_id(PEERS["pd1"])


class Wire:
    """Stands for the way to other members, and keeps what was sent."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[str] = asyncio.Queue()

    async def ask(self, url, **request):
        self.sent.put_nowait(url)


def made(directory, wire):
    flags = PdFlags(
        name="pd2",
        data_dir=directory,
        client_urls=("http://127.0.0.1:4",),
        advertise_client_urls=("http://127.0.0.1:4",),
        peer_urls=PEERS["pd2"],
        advertise_peer_urls=PEERS["pd2"],
        initial_cluster=PEERS,
    )
    replication = Replication(wire, lambda _: None, TIMING.members, stopping=lambda: False)
    replica = Replica(
        group=0,
        me=ME,
        voters=[member_id(urls) for urls in PEERS.values()],
        journal=Journal(directory / "journal"),
        pace=TIMING.members,
        eager=True,
        now=monotonic(),
    )
    replication.add(replica)
    cluster = Cluster(replica, replication, TIMING)
    return Members(flags, cluster, replica, replication, wire), replication


async def hears(replication, *, term, pairs):
    """It hears from the leader, whose map this is."""
    message = {"group": 0, "term": term, "leader": LEADER, "last": [term, 1], "pairs": pairs}
    body = json.dumps({"messages": [message]}).encode()
    path = "/raft/append"
    await replication.answer(Request(method="POST", path=path, query={}, headers={}, body=body, target=path))


def test_a_member_that_the_next_leader_does_not_know_says_again_who_it_is(tmp_path):
    async def story():
        wire = Wire()
        members, replication = made(tmp_path, wire)
        mine = {f"member/{ME}": json.dumps(members.myself)}
        await hears(replication, term=1, pairs=mine)
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(members.stay_known())
            await asyncio.sleep(0)
            assert wire.sent.empty()
            await hears(replication, term=2, pairs={})
            assert await wire.sent.get() == "http://127.0.0.1:2/member"
            telling.cancel()

    asyncio.run(story())
