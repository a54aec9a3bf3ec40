"""A rate limiter node: counts requests in Redis and refuses those beyond a key's limit.

Any number of nodes share one Redis and keep no counts of their own, so that a limit holds over all
of them together. Start one with `python -m systems.ratelimiter --help`.

What lies in Redis:

| key | type | holds |
| --- | --- | --- |
| `ratelimit:{key}` | sorted set | one member per allowed request, its score the time in ms |
| `ratelimit:{key}:seq` | string | a number that makes members unique |
| `ratelimit:limit:{key}` | hash | `limit`, `window_ms`; by hand also `burst` |
| `ratelimiter:asked:{key}` | hash | the limit that the latest request brought itself |
| `ratelimiter:nodes:{id}` | hash, expires | `address`, `registered_at`: a node that is Up |
| `ratelimiter:members` | hash | every node ever registered, as JSON, Up or Down |

`burst` is an exception that a person grants in redis-cli: so many requests in a window on top of
the limit. No endpoint writes it and `PUT /api/limits/{key}` removes it. One that was forgotten
outlives a later `HSET ratelimit:limit:{key} limit 0`: the key is then allowed although its limit
is 0, and `/api/counters` says so with limit 0 and a `remaining` above 0.
"""
