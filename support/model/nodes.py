"""What the on-call engineer knows about nodes: `stackctl`, which looks at them and controls them."""

import re
import shlex
from collections.abc import Mapping

from support.model.counters import Unreadable

_LINES = 8


def looking_at_nodes() -> str:
    """The command that shows the state of every node, and the end of what each has printed."""
    return (
        "stackctl ps || exit; "
        'for node in $(stackctl ps | cut -d " " -f 1); do '
        f'echo "== $node"; stackctl logs "$node" {_LINES}; done'
    )


def controlling(verb: str, node: str) -> str:
    """The command that starts, stops or restarts one node."""
    return f"stackctl {verb} {shlex.quote(node)}"


def node_states_in(output: str) -> Mapping[str, str]:
    """The state of every node in the output of `looking_at_nodes`. Raises `Unreadable` if it shows none."""
    listed = output.partition("== ")[0]
    found = dict(re.findall(r"^(\S+) {2,}(running|paused|exited|not started)\s*$", listed, re.MULTILINE))
    if not found:
        raise Unreadable(f"stackctl lists no nodes: {output.strip()[-200:]!r}")
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
