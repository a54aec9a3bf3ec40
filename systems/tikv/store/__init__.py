"""A TiKV node: replicas of regions, heartbeats to PD, a status server, and a key-value API over HTTP."""

from systems.tikv.store.server import Store

__all__ = ["Store"]
