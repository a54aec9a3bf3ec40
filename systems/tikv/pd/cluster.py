"""What PD knows of the cluster: kept by a majority of members, or heard by this leader alone.

Kept: members, stores, regions, configuration. Heard since this member became leader and lost with
its leadership, as in PD: when heartbeats came, what stores and regions last said of themselves.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, time, time_ns
from typing import Any

from systems.tikv.consensus import NotLeaderError, Replica, Replication
from systems.tikv.pd import config
from systems.tikv.pd.errors import (
    PdError,
    not_bootstrapped,
    store_destroyed,
    store_not_found,
    stores_not_enough,
)
from systems.tikv.pd.regions import Region, Report, first_regions, ids_needed, load_of
from systems.tikv.pd.stores import (
    OFFLINE,
    PREPARING,
    REMOVING,
    SERVING,
    TOMBSTONE,
    UP,
    Meta,
    Stats,
    state_name,
    store_info,
)
from systems.tikv.timing import Timing

_SECOND = 1_000_000_000


@dataclass
class _Heard:
    term: int
    received: dict[int, int] = field(default_factory=dict)
    persisted: dict[int, int] = field(default_factory=dict)
    stats: dict[int, Stats] = field(default_factory=dict)
    reports: dict[int, Report] = field(default_factory=dict)
    leaving: set[int] = field(default_factory=set)


class Cluster:
    """PD's knowledge. What changes it raises NotLeaderError when this member does not lead."""

    def __init__(self, replica: Replica, replication: Replication, timing: Timing) -> None:
        self._replica = replica
        self._replication = replication
        self._timing = timing
        self._last_heard = _Heard(term=0)

    @property
    def _heard(self) -> _Heard:
        if self._last_heard.term != self._replica.term:
            self._last_heard = _Heard(term=self._replica.term)
        return self._last_heard

    # Members

    def cluster_id(self) -> int:
        """Return the cluster's id, 0 before there is one."""
        return int(self._get("cluster") or 0)

    async def make_cluster_id(self) -> None:
        """Give the cluster an id unless it has one."""
        if not self.cluster_id():
            await self._put({"cluster": (int(time()) << 32) + secrets.randbits(32)})

    def members(self) -> dict[int, dict[str, Any]]:
        """Return what every member has said of itself, by id."""
        return {found["member_id"]: found for found in self._all("member/")}

    async def put_member(self, member: Mapping[str, Any]) -> None:
        """Keep what a member says of itself."""
        if self.members().get(member["member_id"]) != member:
            await self._put({f"member/{member['member_id']}": member})

    # Stores

    def bootstrapped(self) -> None:
        """Raise PdError unless a store has registered, as far as this member may say."""
        if not self._replica.leads or not self._all("store/"):
            raise not_bootstrapped()

    def stores(self) -> list[Meta]:
        """Return every store with the time of the last heartbeat that this leader knows of."""
        received = self._heard.received
        return [
            meta | {"last_heartbeat": received.get(meta["id"], meta.get("last_heartbeat", 0))}
            for meta in self._all("store/")
        ]

    def store(self, store_id: int) -> Meta:
        """Return one store; raises PdError."""
        for meta in self.stores():
            if meta["id"] == store_id:
                return meta
        raise store_not_found(store_id)

    def describe(self, meta: Meta) -> dict[str, object]:
        """Return what the API says of a store."""
        heard = self._heard
        load = load_of(meta["id"], self.regions(), heard.reports)
        low_space = float(self.config()["schedule"]["low-space-ratio"])
        return store_info(meta, heard.stats.get(meta["id"]), load, time_ns(), self._timing, low_space)

    def stats(self, store_id: int) -> Stats | None:
        """Return what a store said of its disk since this member leads."""
        return self._heard.stats.get(store_id)

    async def allocate_id(self) -> int:
        """Return an id that nothing else in the cluster has."""
        [taken] = await self._allocate(1)
        return taken

    async def put_store(self, meta: Meta) -> None:
        """Register a store that starts; raises PdError when another one has its address."""
        before = None
        for other in self.stores():
            gone = other.get("state") == TOMBSTONE or other.get("physically_destroyed")
            if other["id"] == meta["id"]:
                before = other
            elif other["address"] == meta["address"] and not gone:
                shown = f'id:{meta["id"]} address:"{meta["address"]}"'
                known = f'id:{other["id"]} address:"{other["address"]}"'
                raise PdError(f"duplicated store address: {shown}, already registered by {known}", 400)
        kept = {name: before[name] for name in before if name not in meta} if before else {}
        self._heard.leaving.discard(meta["id"])
        await self._put({f"store/{meta['id']}": {"node_state": PREPARING, **kept, **meta}})
        await self._place_first_regions()

    async def remove_store(self, store_id: int, *, destroyed: bool) -> None:
        """Set a store Offline (server/cluster/cluster.go, RemoveStore). Raises PdError."""
        meta = self.store(store_id)
        if meta.get("state") == OFFLINE and bool(meta.get("physically_destroyed")) == destroyed:
            return
        if meta.get("physically_destroyed"):
            raise store_destroyed(store_id)
        if meta.get("state", UP) == UP and not destroyed:
            left = sum(other.get("state", UP) == UP for other in self.stores()) - 1
            if left < self.max_replicas():
                raise stores_not_enough(store_id, left, self.max_replicas())
        changes = {"state": OFFLINE, "node_state": REMOVING, "physically_destroyed": destroyed}
        await self._put({f"store/{store_id}": meta | changes})

    async def up_store(self, store_id: int) -> None:
        """Take an Offline store back (UpStore). Raises PdError."""
        meta = self.store(store_id)
        if meta.get("physically_destroyed"):
            raise store_destroyed(store_id)
        if meta.get("state", UP) != UP:
            await self._put({f"store/{store_id}": meta | {"state": UP, "node_state": SERVING}})

    async def heartbeat(self, store_id: int, stats: Stats) -> None:
        """Take in a store's heartbeat, received now; raises PdError for an unknown store."""
        meta, heard, now = self.store(store_id), self._heard, time_ns()
        if not self._replica.serves(monotonic()):
            raise NotLeaderError
        heard.received[store_id] = now
        heard.stats[store_id] = stats
        meta["last_heartbeat"] = now
        due = now - heard.persisted.get(store_id, 0) > self._timing.persist_heartbeat * _SECOND
        if meta.get("node_state", PREPARING) == PREPARING:
            meta["node_state"], due = SERVING, True
        if due:
            heard.persisted[store_id] = now
            await self._put({f"store/{store_id}": meta})

    def leaving(self, store_id: int) -> None:
        """Remember that a store evicts its leaders, so that none are sent back to it."""
        self._heard.leaving.add(store_id)

    # Regions

    def regions(self) -> list[Region]:
        """Return every region, in the order of their keys."""
        return sorted(self._all("region/"), key=lambda region: str(region["start"]))

    def reports(self) -> Mapping[int, Report]:
        """Return what leaders said of their regions since this member leads."""
        return self._heard.reports

    async def report(self, store_id: int, region_id: int, term: int, report: Report) -> None:
        """Take in what a region's leader says; one of an earlier term is not believed."""
        for region in self.regions():
            if region["id"] == region_id and term >= region["term"]:
                self._heard.reports[region_id] = report
                if (region["leader_store"], region["term"]) != (store_id, term):
                    changed = region | {"leader_store": store_id, "term": term}
                    await self._put({f"region/{region_id}": changed})

    def balance(self, store_id: int) -> tuple[int, int] | None:
        """Return a region that the store should hand over, and to which store; None when it is even.

        PD's balance-leader: only stores that are Up are given leaders.
        """
        now = time_ns()
        fit = {
            meta["id"]
            for meta in self.stores()
            if state_name(meta, now, self._timing) == "Up" and meta["id"] not in self._heard.leaving
        }
        led = {each: load_of(each, self.regions(), {}).leader_count for each in fit | {store_id}}
        for region in self.regions():
            if region["leader_store"] != store_id or not region["term"]:
                continue
            able = [peer["store_id"] for peer in region["peers"] if peer["store_id"] in fit]
            if able and led[store_id] - led[least := min(able, key=lambda each: led[each])] >= 2:
                return region["id"], least
        return None

    async def _place_first_regions(self) -> None:
        stores = sorted(meta["id"] for meta in self.stores())
        if self.regions() or len(stores) < self.max_replicas():
            return
        taken = await self._allocate(ids_needed(len(stores)))
        # Another store may have registered while the ids were allocated.
        if not self.regions():
            await self._put({f"region/{each['id']}": each for each in first_regions(stores, taken)})

    # Configuration

    def config(self) -> config.Sections:
        """Return the configuration in effect."""
        return config.effective(self._get("config") or {})

    def max_replicas(self) -> int:
        """Return how many copies of the data there are to be."""
        return int(self.config()["replication"]["max-replicas"])

    async def update_config(self, update: Mapping[str, object]) -> None:
        """Change settings; raises PdError for one that is not known."""
        try:
            changed = config.changed_by(update, self._get("config") or {})
        except ValueError as error:
            raise PdError(str(error), 400) from None
        await self._put({"config": changed})

    # The replicated map

    async def settled(self) -> None:
        """Return when all that can be seen now is kept by a majority."""
        await self._replication.settled(self._replica)

    async def _allocate(self, count: int) -> Sequence[int]:
        first = int(self._get("id") or 0) + 1
        await self._put({"id": first + count - 1})
        return range(first, first + count)

    async def _put(self, changes: Mapping[str, object]) -> None:
        written = {key: json.dumps(value) for key, value in changes.items()}
        await self._replication.propose(self._replica, written)

    def _get(self, key: str) -> Any:
        found = self._replica.journal.pairs.get(key)
        return None if found is None else json.loads(found)

    def _all(self, prefix: str) -> list[Any]:
        pairs = self._replica.journal.pairs
        return [json.loads(pairs[key]) for key in pairs if key.startswith(prefix)]
