"""Stand-ins for pd-server and tikv-server: the real flags and HTTP API, none of the real engine.

A monitor written for PD v8.5.7 sees the same payloads, omissions, error texts, states and times. Start
them with `python -m systems.tikv.pd_server --help` and `python -m systems.tikv.tikv_server --help`.

| package | holds |
| --- | --- |
| `consensus` | one replicated map with an elected leader: PD's state is one, every region another |
| `pd` | what PD knows of members, stores and regions, and how it says so |
| `store` | a TiKV node: its regions, its heartbeats, its status server, its key-value API |

What differs from the real programs: nodes talk HTTP to each other instead of gRPC, on the same
advertised addresses; three regions exist from the moment three stores have registered and never
split, merge or move; nothing is synced to disk, so that data outlives a killed process but not a
machine without power; a member or store that lost its data directory must not return under its name.
"""
