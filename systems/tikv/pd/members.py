"""The members of a PD cluster: their ids, what they say of themselves, whether they answer."""

import asyncio
import hashlib
import json
import random
from collections.abc import Iterable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from systems.tikv.consensus import NotLeaderError, Replica, Replication
from systems.tikv.flags import PdFlags
from systems.tikv.http_client import HttpClient, UnreachableError
from systems.tikv.pd.cluster import Cluster
from systems.tikv.pd.errors import PdError
from systems.tikv.version import GIT_HASH, VERSION

Member = dict[str, Any]


def member_id(peer_urls: Iterable[str]) -> int:
    """Return the id etcd gives a first member (server/etcdserver/api/membership, computeMemberId)."""
    digest = hashlib.sha1("".join(sorted(peer_urls)).encode() + b"pd-cluster").digest()
    return int.from_bytes(digest[:8], "big")


class Members:
    """The members as one of them sees them."""

    def __init__(
        self, flags: PdFlags, cluster: Cluster, replica: Replica, replication: Replication, http: HttpClient
    ) -> None:
        self._cluster = cluster
        self._replica = replica
        self._replication = replication
        self._http = http
        self.name = flags.name
        self.peer_urls = {member_id(urls): urls for urls in flags.initial_cluster.values()}
        self._named = {member_id(urls): name for name, urls in flags.initial_cluster.items()}
        self.myself: Member = {
            "name": flags.name,
            "member_id": replica.me,
            "peer_urls": list(flags.advertise_peer_urls),
            "client_urls": list(flags.advertise_client_urls),
            "deploy_path": "/",
            "binary_version": VERSION,
            "git_hash": GIT_HASH,
        }

    def all(self) -> list[Member]:
        """Return every member; one that was never seen has a name and peer URLs only."""
        known = self._cluster.members() | {self._replica.me: self.myself}
        return [
            known.get(each, {"name": self._named[each], "member_id": each, "peer_urls": list(urls)})
            for each, urls in sorted(self.peer_urls.items())
        ]

    def leader(self) -> Member | None:
        """Return the leader, when it is known and how to reach it."""
        leader = self._replica.leader(monotonic())
        for member in self.all():
            if member["member_id"] == leader and "client_urls" in member:
                return member
        return None

    def leads(self) -> bool:
        """Say whether this member leads."""
        return self._replica.serves(monotonic())

    async def stay_known(self) -> None:
        """Tell the leader what this member says of itself, for ever: what is here may be known to nobody
        else, when this member led for a moment, and is lost when it hears from the next leader."""
        while True:
            known = self._cluster.members().get(self._replica.me) == self.myself
            if not known:
                with suppress(NotLeaderError, UnreachableError):
                    leader = self._replica.leader(monotonic())
                    if leader == self._replica.me:
                        await self._cluster.put_member(self.myself)
                    elif leader is not None:
                        await self._tell(leader)
            await self._replication.changed(within=None if known else 0.2)

    async def health(self, *, within: float) -> list[Mapping[str, object]]:
        """Return whether each member answers a ping `within` seconds."""

        async def answers(member: Member) -> bool:
            for url in member.get("client_urls", []):
                try:
                    answer = await self._http.ask(f"{url}/pd/api/v1/ping", within=within, keep=False)
                    if answer.status == 200:
                        return True
                except UnreachableError:
                    continue
            return False

        members = self.all()
        answered = await asyncio.gather(*map(answers, members))
        return [
            {
                "name": member["name"],
                "member_id": member["member_id"],
                "client_urls": member.get("client_urls", []),
                "health": alive,
            }
            for member, alive in zip(members, answered, strict=True)
        ]

    async def transfer(self, name: str | None) -> None:
        """Let the member `name`, or any other one, lead. Raises PdError when none can."""
        able = [
            peer
            for peer in self._replica.answered_lately(monotonic())
            if name is None or self._named[peer] == name
        ]
        if not able:
            raise PdError("no valid pd to transfer etcd leader", 500)
        if not await self._replication.hand_over(self._replica, random.choice(able)):
            raise PdError("etcdserver: request timed out, leader transfer took too long", 500)

    async def _tell(self, leader: int) -> None:
        await self._http.ask(
            f"{self.peer_urls[leader][0]}/member",
            method="POST",
            body=json.dumps(self.myself).encode(),
            within=1.0,
        )
