"""What the on-call engineer knows about nodes: how they are looked at and controlled.

Nodes that are containers are controlled with `docker`, where COMPOSE_PROJECT_NAME says which they are; those
that are processes with `stackctl`.
"""

import re
import shlex
from collections.abc import Mapping

from support.model.counters import Unreadable

_LINES = 8
_PATIENCE = 10
"""Seconds that a container gets to become healthy."""


_CONTAINER = (
    'container() { docker ps --all --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" '
    '--filter "label=com.docker.compose.service=$1"; }'
)
_LISTING = (
    'docker ps --all --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" '
    """--format '{{.Label "com.docker.compose.service"}}  {{.State}}' | sed 's/  created$/  not started/'"""
)


def _either(stackctl: str, docker: str) -> str:
    """The command for a machine whose nodes are processes, or else containers."""
    return f'if [ -z "$COMPOSE_PROJECT_NAME" ]; then {stackctl}; else {docker}; fi'


def looking_at_nodes() -> str:
    """The command that shows the state of every node, and the end of what each has printed."""
    return _either(
        "stackctl ps || exit; "
        'for node in $(stackctl ps | cut -d " " -f 1); do '
        f'echo "== $node"; stackctl logs "$node" {_LINES}; done',
        f"{_CONTAINER}; {_LISTING}; for node in $({_LISTING} | cut -d ' ' -f 1); do "
        f'echo "== $node"; docker logs --tail {_LINES} "$(container "$node")" 2>&1; done',
    )


def commands_of_nodes() -> str:
    """The command that shows the command line of every node, below a heading `== NODE`."""
    return _either(
        'for node in $(stackctl ps | cut -d " " -f 1); do echo "== $node"; stackctl inspect "$node"; done',
        f"{_CONTAINER}; for node in $({_LISTING} | cut -d ' ' -f 1); do "
        'echo "== $node"; docker inspect --format "{{json .Args}}" "$(container "$node")"; done',
    )


def controlling(verb: str, *nodes: str) -> str:
    """The command that starts, stops or restarts nodes, containers side by side, until they are ready."""
    names = [shlex.quote(node) for node in nodes]
    bring = (
        f'bring() {{ said=$(docker {verb} "$(container "$1")" 2>&1) || '
        f'{{ echo "cannot {verb} $1: $said"; return 1; }}; for i in $(seq {_PATIENCE * 5}); do '
        'health=$(docker inspect --format \'{{.State.Health.Status}}\' "$(container "$1")"); '
        '[ "$health" = starting ] || break; sleep 0.2; done; echo "$1: $health"; }'
    )
    if len(names) == 1:
        return _either(f"stackctl {verb} {names[0]}", f"{_CONTAINER}; {bring}; bring {names[0]}")
    return _either(
        "; ".join(f"stackctl {verb} {name}" for name in names),
        f'{_CONTAINER}; {bring}; for node in {" ".join(names)}; do bring "$node" & done; wait',
    )


def node_states_in(output: str) -> Mapping[str, str]:
    """The state of every node in the output of `looking_at_nodes`. Raises `Unreadable` if it shows none."""
    listed = output.partition("== ")[0]
    found = dict(re.findall(r"^(\S+) {2,}(running|paused|exited|not started)\s*$", listed, re.MULTILINE))
    if not found:
        raise Unreadable(f"no nodes are listed: {output.strip()[-200:]!r}")
    return found


def log_in(output: str, node: str) -> str:
    """The end of what the node has printed, in the output of `looking_at_nodes`; empty if it is not shown."""
    section = re.search(rf"^== {re.escape(node)}\n(.*?)(?=^== |\Z)", output, re.MULTILINE | re.DOTALL)
    return section[1].strip() if section else ""


def without_redis_in(output: str) -> list[str]:
    """The nodes that say last that Redis is unreachable, in the output of `looking_at_nodes`."""
    return [node for node in node_states_in(output) if _lost_redis(log_in(output, node))]


def _lost_redis(log: str) -> bool:
    said = re.findall(r"Redis unreachable|without Redis|Redis is back|ready on (?!.*without Redis)", log)
    return bool(said) and said[-1] in ("Redis unreachable", "without Redis")
