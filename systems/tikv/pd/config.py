"""The part of PD's configuration that people look at or change."""

from collections.abc import Mapping
from typing import Any

Sections = dict[str, dict[str, Any]]

# Defaults of tikv/pd v8.5.7. Durations are strings; enable-* are the strings "true" and "false".
_DEFAULTS: Sections = {
    "schedule": {
        "max-snapshot-count": 64,
        "max-pending-peer-count": 64,
        "max-merge-region-size": 54,
        "max-merge-region-keys": 540000,
        "split-merge-interval": "1h0m0s",
        "patrol-region-interval": "10ms",
        "max-store-down-time": "30m0s",
        "max-store-preparing-time": "48h0m0s",
        "leader-schedule-limit": 4,
        "leader-schedule-policy": "count",
        "region-schedule-limit": 2048,
        "replica-schedule-limit": 64,
        "merge-schedule-limit": 8,
        "hot-region-schedule-limit": 4,
        "tolerant-size-ratio": 0.0,
        "low-space-ratio": 0.8,
        "high-space-ratio": 0.7,
        "region-score-formula-version": "v2",
        "enable-remove-down-replica": "true",
        "enable-replace-offline-replica": "true",
        "enable-make-up-replica": "true",
        "enable-remove-extra-replica": "true",
        "enable-location-replacement": "true",
        "enable-cross-table-merge": "true",
    },
    "replication": {
        "max-replicas": 3,
        "location-labels": "",
        "strictly-match-label": "false",
        "enable-placement-rules": "true",
        "isolation-level": "",
    },
    "pd-server": {
        "use-region-storage": "true",
        "max-gap-reset-ts": "24h0m0s",
        "key-type": "table",
        "metric-storage": "",
        "dashboard-address": "auto",
    },
}


def effective(changed: Sections) -> Sections:
    """Return the sections with what was changed at run time."""
    return {name: {**section, **changed.get(name, {})} for name, section in _DEFAULTS.items()}


def changed_by(update: Mapping[str, object], changed: Sections) -> Sections:
    """Return the changes after `update`, whose names may be `max-replicas` or `replication.max-replicas`.

    Raises ValueError in PD's words for a name it does not know.
    """
    result = {name: dict(section) for name, section in changed.items()}
    for item, value in update.items():
        section, _, name = item.rpartition(".")
        homes = [each for each in _DEFAULTS if name in _DEFAULTS[each] and section in ("", each)]
        if not homes:
            raise ValueError(f"config item {name} not found")
        result.setdefault(homes[0], {})[name] = value
    return result
