"""Every time that matters in a cluster: the real programs' own, divided by one scale."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLE = "STANDIN_TIME_SCALE"


@dataclass(frozen=True)
class Pace:
    """How fast one group of replicas elects, in seconds.

    A leader speaks every `beat` and serves for `lease` after a majority last answered. A follower
    that heard nothing for `election_least` to `election_most` calls an election. `lease` is the
    shorter, so that an old leader has stopped serving before there can be a new one. Two beats fit
    into a lease: most of what idle nodes cost is the beats.
    """

    beat: float
    lease: float
    election_least: float
    election_most: float


@dataclass(frozen=True)
class Timing:
    """All times in seconds. Sources: tikv/pd v8.5.7 and tikv/tikv v8.5.7, where a name is given."""

    scale: float
    store_heartbeat: float  # pd-store-heartbeat-tick-interval
    disconnected: float  # storeDisconnectDuration
    unhealthy: float  # storeUnhealthyDuration
    down: float  # max-store-down-time
    persist_heartbeat: float  # storePersistInterval
    down_peer: float  # max-peer-down-duration
    metrics: float  # how often PD collects its gauges
    no_leader_wait: float  # how long the redirector waits for a leader
    ping: float  # how long /health waits for one member
    eviction: float  # how long a store told to leave may go on evicting leaders
    request: float  # how long a node waits for another one's answer
    members: Pace
    regions: Pace


def read_timing(environ: Mapping[str, str]) -> Timing:
    """Return the times; raises ValueError when the scale is not a number from 0.1 to 100."""
    text = environ.get(VARIABLE, "1")
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0.1 <= scale <= 100:
        raise ValueError(f"{VARIABLE} must be a number from 0.1 to 100, not {text!r}")
    return timing(scale)


def timing(scale: float) -> Timing:
    """Return the real programs' times, `scale` times shorter."""
    return Timing(
        scale=scale,
        store_heartbeat=10 / scale,
        disconnected=20 / scale,
        unhealthy=600 / scale,
        down=1800 / scale,
        persist_heartbeat=300 / scale,
        down_peer=600 / scale,
        metrics=10 / scale,
        no_leader_wait=3 / scale,
        # A busy machine must not make a healthy node look dead: these two have a floor.
        ping=max(3 / scale, 1.0),
        request=max(4 / scale, 0.4),
        eviction=20 / scale,
        members=Pace(4 / scale, 8 / scale, 9 / scale, 12 / scale),
        regions=Pace(4.5 / scale, 9 / scale, 10 / scale, 20 / scale),
    )
