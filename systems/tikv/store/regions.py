"""The regions a store has a part in, and which of them it leads."""

import asyncio
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from systems.tikv.consensus import Journal, NotLeaderError, Replica, Replication
from systems.tikv.log import log
from systems.tikv.timing import Timing

_MIB = 1 << 20


class Regions:
    """Replicas of regions on this store, made as PD says where they belong."""

    def __init__(self, store_id: int, data_dir: Path, replication: Replication, timing: Timing) -> None:
        self._store_id = store_id
        self._data_dir = data_dir
        self._replication = replication
        self._timing = timing
        self._replicas: dict[int, Replica] = {}
        self.known: dict[int, dict[str, Any]] = {}

    def place(self, regions: Iterable[dict[str, Any]]) -> None:
        """Take in what PD knows of all regions."""
        for region in regions:
            self.known[region["id"]] = region
            voters = [peer["store_id"] for peer in region["peers"]]
            if region["id"] not in self._replicas and self._store_id in voters:
                replica = Replica(
                    group=region["id"],
                    me=self._store_id,
                    voters=voters,
                    journal=Journal(self._data_dir / "regions" / f"{region['id']}.journal"),
                    pace=self._timing.regions,
                    eager=region["leader_store"] == self._store_id,
                    now=monotonic(),
                )
                self._replicas[region["id"]] = replica
                self._replication.add(replica)

    def of_key(self, key: str) -> tuple[dict[str, Any], Replica | None] | None:
        """Return the region of a key and this store's replica of it; None while there are no regions."""
        place = hashlib.blake2b(key.encode(), digest_size=1).hexdigest().upper()
        for region in self.known.values():
            if region["start"] <= place and (place < region["end"] or not region["end"]):
                return region, self._replicas.get(region["id"])
        return None

    def replica(self, region_id: int) -> Replica | None:
        """Return this store's replica of a region."""
        return self._replicas.get(region_id)

    def led(self) -> list[Replica]:
        """Return the replicas that lead now."""
        now = monotonic()
        return [replica for replica in self._replicas.values() if replica.serves(now)]

    def leadership(self) -> frozenset[tuple[int, int]]:
        """Return the regions led now with their terms: what PD must hear of when it changes."""
        return frozenset((replica.group, replica.term) for replica in self.led())

    def reports(self) -> list[dict[str, object]]:
        """Return what PD is told of the regions led by this store."""
        now = monotonic()
        return [
            {
                "id": replica.group,
                "term": replica.term,
                "size": max(1, sum(map(len, replica.journal.pairs.values())) // _MIB),
                "keys": len(replica.journal.pairs),
                "down": {
                    peer: int(silent)
                    for peer in replica.peers
                    if (silent := replica.silent_for(peer, now)) > self._timing.down_peer
                },
            }
            for replica in self.led()
        ]

    async def hand_over(self, region_id: int, to: int) -> None:
        """Let another store lead a region, when this one does and can."""
        replica = self._replicas.get(region_id)
        if replica and to in replica.peers:
            with suppress(NotLeaderError):
                if await self._replication.hand_over(replica, to):
                    log("INFO", "peer.rs:4521", "transfer leader", region_id=region_id, to_store=to)

    async def evict(self) -> None:
        """Hand over all that this store leads; return when it leads nothing or nobody could take it."""
        while led := self.led():
            able = {replica: replica.answered_lately(monotonic()) for replica in led}
            if not any(able.values()):
                return
            await asyncio.gather(
                *(self.hand_over(replica.group, peers[0]) for replica, peers in able.items() if peers)
            )
