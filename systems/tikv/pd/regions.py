"""What PD says of regions, and where it first puts them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from systems.tikv.pd.stores import OFFLINE, Load

Region = dict[str, Any]
"""A region as PD keeps it: `id`, `start`, `end`, `conf_ver`, `version`, `peers`, `leader_store`, `term`."""

# The first byte of a key is a hash, so any set of keys spreads over these ranges.
_BOUNDS = ("", "55", "AA", "")


@dataclass(frozen=True)
class Report:
    """What a region's leader last said of it; sizes in MiB, `down` maps stores to seconds of silence."""

    size: int
    keys: int
    down: Mapping[int, int]


def ids_needed(stores: int) -> int:
    """Return how many ids the first regions on so many stores take, peers included."""
    return (len(_BOUNDS) - 1) * (1 + stores)


def first_regions(stores: Sequence[int], ids: Iterable[int]) -> list[Region]:
    """Return the regions of a new cluster, each with a peer on every one of `stores`.

    They look as after a bootstrap on one store, one split each and two added peers. The first
    leaders are spread over the stores.
    """
    taken = iter(ids)
    regions = []
    for position, (start, end) in enumerate(pairwise(_BOUNDS)):
        regions.append(
            {
                "id": next(taken),
                "start": start,
                "end": end,
                "conf_ver": 5,
                "version": len(_BOUNDS) - 1,
                "peers": [{"id": next(taken), "store_id": store} for store in stores],
                "leader_store": stores[position % len(stores)],
                "term": 0,
            }
        )
    return regions


def load_of(store_id: int, regions: Iterable[Region], reports: Mapping[int, Report]) -> Load:
    """Return what the regions say of one store."""
    led = held = led_size = held_size = 0
    for region in regions:
        size = reports[region["id"]].size if region["id"] in reports else 1
        if any(peer["store_id"] == store_id for peer in region["peers"]):
            held += 1
            held_size += size
        if region["leader_store"] == store_id and region["term"]:
            led += 1
            led_size += size
    return Load(led, led_size, held, held_size)


def region_info(region: Region, report: Report | None) -> dict[str, object]:
    """Return one element of `/regions` (pkg/response/region.go)."""
    peers = {peer["store_id"]: {"role_name": "Voter", **peer} for peer in region["peers"]}
    # A region that never reported has a leader without fields but its role.
    leader = peers[region["leader_store"]] if region["term"] else {"role_name": "Voter"}
    info: dict[str, object] = {
        "id": region["id"],
        "start_key": region["start"],
        "end_key": region["end"],
        "epoch": {"conf_ver": region["conf_ver"], "version": region["version"]},
        "peers": list(peers.values()),
        "leader": leader,
    }
    if report and report.down:
        info["down_peers"] = [
            {"down_seconds": seconds, "peer": peers[store]} for store, seconds in report.down.items()
        ]
    return info | {
        "cpu_usage": 0,
        "written_bytes": 0,
        "read_bytes": 0,
        "written_keys": 0,
        "read_keys": 0,
        "approximate_size": report.size if report else 1,
        "approximate_keys": report.keys if report else 0,
    }


def checked(
    check: str,
    regions: Iterable[Region],
    reports: Mapping[int, Report],
    states: Mapping[int, int],
    replicas: int,
) -> list[Region]:
    """Return the regions that `/regions/check/{check}` lists; raises KeyError for an unknown check."""

    def down(region: Region) -> bool:
        return region["id"] in reports and bool(reports[region["id"]].down)

    def on_offline_store(region: Region) -> bool:
        return any(states.get(peer["store_id"]) == OFFLINE for peer in region["peers"])

    wanted = {
        "miss-peer": lambda region: len(region["peers"]) < replicas,
        "extra-peer": lambda region: len(region["peers"]) > replicas,
        "down-peer": down,
        # Peers here are never so far behind that PD would call them pending.
        "pending-peer": lambda region: False,
        "offline-peer": on_offline_store,
    }[check]
    return [region for region in regions if wanted(region)]
