"""What an observation of a TiKV cluster says about its invariants; no input or output here.

PD calls a store Disconnected when it has received no heartbeat of it for some time, and a PD leader
that is new in office has received none of anybody: it starts from the times that its predecessor
had stored, which may be minutes old (tikv/pd v8.5.7: `last_heartbeat` is persisted only when it is
more than five minutes old). So a store that is not Up is undecided until this leader can know better:
it has received a heartbeat of the store itself, or two of every other store that is Up, or two of any
when no other is. Only when PD hears of no store at all does the time alone decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from systems.operator.invariants import Finding, Persistence, Violation
from systems.operator.subjects.metrics import Latency

CONFIRM_SECONDS = 2.5
"""So long a PD member has to be gone: one that is restarted as planned is back by then."""
DISK_USED = 0.70
"""Share of a store's disk above which its space is low."""
LATENCY = 0.1
"""Seconds that the slowest of a hundred requests may take."""
HEARTBEATS = 2
"""So many heartbeats of others show that one is missing."""


@dataclass(frozen=True)
class Store:
    """A store as PD lists it; `last_heartbeat` in ns since the epoch, sizes in bytes, None if not told."""

    id: int
    address: str
    state: str
    last_heartbeat: int = 0
    capacity: int | None = None
    available: int | None = None


@dataclass(frozen=True)
class Member:
    """A PD member: `health` is what `/health` says of it, None when nobody said anything."""

    name: str
    health: bool | None


@dataclass(frozen=True)
class Observation:
    """All that one check saw of a cluster, through the PD member at `seen_through`."""

    members: tuple[Member, ...] = ()
    leader: str | None = None
    no_leader: str = ""
    """Why no leader is known: what PD answered."""
    stores: tuple[Store, ...] | None = None
    no_stores: str = ""
    latency: Latency | None = None
    """How long requests take; None where nobody is asked."""
    seen_through: str = ""


@dataclass
class _Office:
    """What the present PD leader has received since it was first seen in office."""

    leader: str
    since: float
    last: dict[int, int] = field(default_factory=dict)
    received: dict[int, int] = field(default_factory=dict)

    def note(self, stores: Sequence[Store]) -> None:
        for store in stores:
            if store.last_heartbeat > self.last.setdefault(store.id, store.last_heartbeat):
                self.received[store.id] = self.received.get(store.id, 0) + 1
                self.last[store.id] = store.last_heartbeat


class Rules:
    """The invariants of a TiKV cluster, with what earlier checks have seen of each."""

    def __init__(self, *, silence_seconds: float, latency_seconds: float = 60.0) -> None:
        """`silence_seconds`: after so long without a word of any store, or a leader, that is a fact.

        `latency_seconds`: requests that take long for so long are a violation.
        """
        self._patience = latency_seconds
        self._slow = Persistence()
        self._silence = silence_seconds
        self._office: _Office | None = None
        self._suspected = Persistence()
        self._leaderless = Persistence()

    def lost_sight(self) -> None:
        """No leader was seen for a while, so nobody received heartbeats: even the same one starts anew."""
        self._office = None

    def judge(self, seen: Observation, *, at: float) -> tuple[Finding, ...]:
        """One finding for each invariant that is observed; `at`: monotonic time, in seconds."""
        return (
            self._store_down(seen, at=at),
            self._member_down(seen, at=at),
            self._no_leader(seen, at=at),
            _low_disk_space(seen),
            *([] if seen.latency is None else [self._high_latency(seen.latency, at=at)]),
        )

    def _high_latency(self, latency: Latency, *, at: float) -> Finding:
        if latency.p99 is None:
            return Finding("high_latency", unobserved=latency.why)
        slow = latency.p99 > LATENCY
        self._slow.seen(["all"] if slow else [], at=at)
        if not slow:
            return Finding("high_latency")
        figure = f"{latency.p99 * 1000:.0f} ms"
        if self._slow.seconds("all", at=at) < self._patience:
            return Finding(
                "high_latency",
                undecided={"the cluster": f"p99 is {figure}, not for {self._patience:g} s yet"},
            )
        text = (
            f"Requests to the stores take long: p99 is {figure}, and has been over "
            f"{LATENCY * 1000:.0f} ms for {self._patience:g} s."
        )
        snapshot = {"p99_ms": round(latency.p99 * 1000)}
        return Finding("high_latency", (Violation("high_latency", None, text, "warning", snapshot),))

    def _store_down(self, seen: Observation, *, at: float) -> Finding:
        if seen.leader is None:
            self.lost_sight()
        if seen.stores is None or seen.leader is None:
            return Finding("store_down", unobserved=seen.no_stores or seen.no_leader)
        if self._office is None or self._office.leader != seen.leader:
            self._office = _Office(seen.leader, at)
        self._office.note(seen.stores)
        violations = []
        undecided = {}
        for store in seen.stores:
            if store.state == "Up":
                continue
            if self._knows(store, seen.stores, at=at):
                violations.append(_down(store, seen))
            else:
                undecided[str(store.id)] = (
                    f"store {store.id} is {store.state}, but PD leader {seen.leader} is new in office"
                )
        return Finding("store_down", tuple(violations), undecided)

    def _knows(self, store: Store, stores: Sequence[Store], *, at: float) -> bool:
        """Whether this leader can know that the store is not Up."""
        office = self._office
        assert office is not None
        if office.received.get(store.id):
            return True
        others = [other for other in stores if other.id != store.id]
        heard = [office.received.get(other.id, 0) for other in others if other.state == "Up"]
        if not heard:
            heard = [max((office.received.get(other.id, 0) for other in others), default=0)]
        return min(heard) >= HEARTBEATS or at - office.since >= self._silence

    def _member_down(self, seen: Observation, *, at: float) -> Finding:
        down = [member.name for member in seen.members if member.health is False]
        unknown = {m.name: "no PD member tells its health" for m in seen.members if m.health is None}
        self._suspected.seen(down, at=at, unknown=unknown)
        violations = []
        undecided = dict(unknown)
        for name in down:
            if self._suspected.seconds(name, at=at) < CONFIRM_SECONDS:
                undecided[name] = "it did not answer the other members just now"
                continue
            text = f"PD member {name} is down: the other members say that it does not answer."
            violations.append(Violation("pd_member_down", name, text, "critical", {"member": name}))
        return Finding("pd_member_down", tuple(violations), undecided)

    def _no_leader(self, seen: Observation, *, at: float) -> Finding:
        self._leaderless.seen(["pd"] if seen.leader is None else [], at=at)
        if seen.leader is not None:
            return Finding("pd_no_leader")
        if self._leaderless.seconds("pd", at=at) < self._silence:
            return Finding("pd_no_leader", undecided={"the cluster": seen.no_leader})
        text = f"PD has no leader, so the cluster cannot be managed: {seen.no_leader}."
        return Finding("pd_no_leader", (Violation("pd_no_leader", None, text, "critical"),))


def _down(store: Store, seen: Observation) -> Violation:
    return Violation(
        "store_down",
        str(store.id),
        f"TiKV store {store.id} ({store.address}) is {store.state}: PD (leader {seen.leader}) no longer "
        "receives its heartbeats.",
        "critical",
        {
            "store": store.id,
            "address": store.address,
            "state_name": store.state,
            "last_heartbeat": store.last_heartbeat,
            "pd_leader": seen.leader,
        },
    )


def _low_disk_space(seen: Observation) -> Finding:
    if seen.stores is None:
        return Finding("low_disk_space", unobserved=seen.no_stores)
    violations = []
    undecided = {}
    for store in seen.stores:
        if not store.capacity or store.available is None:
            undecided[str(store.id)] = "PD does not tell its size"
            continue
        used = 1 - store.available / store.capacity
        if used > DISK_USED:
            text = (
                f"TiKV store {store.id} ({store.address}) has used {used:.0%} of its disk "
                f"(more than {DISK_USED:.0%})."
            )
            snapshot = {"store": store.id, "capacity": store.capacity, "available": store.available}
            violations.append(Violation("low_disk_space", str(store.id), text, "warning", snapshot))
    return Finding("low_disk_space", tuple(violations), undecided)


def measured(figures: Mapping[str, object], name: str) -> int | None:
    """A size that PD tells, such as "183.1GiB", in bytes; None when it is not told or not understood."""
    text = figures.get(name)
    if not isinstance(text, str):
        return None
    for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB", "PiB"), start=1):
        if text.endswith(unit):
            try:
                return int(float(text.removesuffix(unit)) * 1024**power)
            except ValueError:
                return None
    return int(text.removesuffix("B")) if text.removesuffix("B").isdigit() else None
