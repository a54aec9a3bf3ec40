"""What the on-call engineer does about a counter on which the API and Redis do not agree."""

import json
import re
import shlex
from collections.abc import Generator
from dataclasses import dataclass

from support.model.conversation import Turn
from support.model.counters import Unreadable, counter_in, looking, states_in
from support.model.nodes import controlling
from support.model.script import Reply, Story

_ASK = r"""
rest=${REDIS_URL#redis://} rest=${rest##*@} address=${rest%%/*}
case $address in *:*) port=${address##*:} ;; *) port=6379 ;; esac
exec 3<>"/dev/tcp/${address%:*}/$port" || exit 7
printf "%s\r\n" "$@" QUIT >&3
while IFS= read -r -t 5 line <&3; do printf "%s\n" "${line%$'\r'}"; done
"""
"""Bash alone: a machine that has no HTTP client has no redis-cli either."""


@dataclass(frozen=True)
class _Seen:
    api: int
    redis: int
    astray: list[str]
    """Nodes that the API lists as Up, and whose heartbeat Redis does not have."""
    down: list[str]
    """Nodes that the API lists as anything else."""


def counter_drift(key: str) -> Story:
    """Find the nodes that do not work on this Redis, and restart those."""
    found = yield from _look(
        key,
        f'The ticket says that the API and Redis differ on counter "{key}". Before I change anything I '
        "look at both, and at which nodes Redis hears of.",
    )
    differ = f"the API says {found.api}, Redis holds {found.redis}"
    if not found.astray:
        if found.api == found.redis:
            return Reply(
                f'RESOLVED: the API and Redis agree on counter "{key}" ({differ}); nothing was changed.\n'
                "The violation of the ticket had cleared by the time I looked."
            )
        return Reply(
            f'ESCALATED: the API and Redis differ on counter "{key}" ({differ}), though every node sends its '
            "heartbeats to this Redis. I changed nothing."
        )
    names = ", ".join(found.astray)
    yield Reply(
        f'Counter "{key}" has drifted: {differ}. Redis has no heartbeat of {names}, which the API lists '
        "as Up: these nodes work on another Redis. Resetting the counter would only hide that. The least "
        "change that leads them back is to restart them.",
        [controlling("restart", *found.astray)],
    )
    after = yield from _look(key, "I look again to see whether the two agree now.")
    agreement = f"the API says {after.api}, Redis holds {after.redis}"
    if after.astray or after.api != after.redis:
        return Reply(
            f'ESCALATED: the API and Redis still differ on counter "{key}" ({agreement}). I tried to '
            f"restart {names}."
        )
    if lost := [node for node in after.down if node not in found.down]:
        return Reply(
            f'ESCALATED: the API and Redis agree on counter "{key}" ({agreement}) since I restarted {names}, '
            f"but {', '.join(lost)}, which was Up before, is not any more."
        )
    return Reply(
        f'RESOLVED: counter "{key}" had drifted ({differ}) because {names} worked on another Redis; they '
        f"were restarted, and the two agree ({agreement}).\nNo counter and no limit was changed."
    )


def _look(key: str, said: str) -> Generator[Reply, Turn, _Seen]:
    seen = yield Reply(said, [looking(), _asking_redis(key)])
    if len(seen.results) != 2:
        raise Unreadable("not all that I looked at was shown")
    api, redis = (result.text for result in seen.results)
    held = re.search(r"^:(\d+)\s*$", redis, re.MULTILINE)
    if held is None:
        raise Unreadable(f"Redis does not say how many requests it holds: {redis.strip()[-200:]!r}")
    registered = re.findall(r"ratelimiter:nodes:(\S+)", redis)
    states = states_in(api)
    up = [node for node, state in states.items() if state == "Up"]
    return _Seen(
        api=counter_in(api, key).count,
        redis=int(held[1]),
        astray=[node for node in up if node not in registered],
        down=[node for node in states if node not in up],
    )


def _asking_redis(key: str) -> str:
    questions = (f"ZCARD {json.dumps('ratelimit:' + key)}", "SCAN 0 MATCH ratelimiter:nodes:* COUNT 1000")
    return f"bash -c {shlex.quote(_ASK)} redis {' '.join(map(shlex.quote, questions))}"
