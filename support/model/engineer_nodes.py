"""What the on-call engineer does about a node that is lost, and about a Redis that is."""

from collections.abc import Generator

from support.model.conversation import Turn
from support.model.http_shell import answer_of_any
from support.model.nodes import controlling, log_in, looking_at_nodes, node_states_in, without_redis_in
from support.model.script import Reply, Story

_REDIS = "redis"
_PATIENT = "It runs. I wait until every node is listed as Up again: only then does the repair hold."


def node_down(node: str) -> Story:
    """Start the one node, or restart it if it is there and does not answer; then see whether it stays."""
    seen = yield Reply(
        f"The ticket says that node {node} is down. Before I change anything I look at the state of all "
        "nodes, and at what they printed last.",
        [looking_at_nodes()],
    )
    state = _state(seen, node)
    found = f"Node {node} is {state}: it is down, as the ticket says."
    return (yield from _bring_back(node, state, found, in_limiter=not node.startswith("pd")))


def redis_disconnected() -> Story:
    """Bring Redis back if it is lost; if it is there, restart the nodes that alone have lost it."""
    seen = yield Reply(
        "The ticket says that the rate limiter has lost its Redis. Before I change anything I look whether "
        "Redis runs, and at what the nodes printed last.",
        [looking_at_nodes()],
    )
    state = _state(seen, _REDIS)
    if state != "running":
        return (yield from _bring_back(_REDIS, state, f"Node redis is {state}; all nodes have lost it."))
    lost = without_redis_in(seen.output)
    nodes = [node for node in node_states_in(seen.output) if node != _REDIS]
    if not lost:
        return Reply(
            "RESOLVED: Redis runs, and no node says that it is unreachable; nothing was changed.\n"
            "The violation of the ticket had cleared by the time I looked."
        )
    if lost == nodes:
        return Reply(
            f"ESCALATED: Redis runs, and yet no node reaches it ({', '.join(nodes)}). I changed nothing: "
            "this looks like the network between them, which I cannot repair."
        )
    return (yield from _reconnect(lost))


def _reconnect(lost: list[str]) -> Story:
    names = ", ".join(lost)
    done = yield Reply(
        f"Redis runs and the other nodes reach it, only {names} cannot reach it: Redis is unreachable "
        f"from there. So it is the connection of {names} that is lost, not Redis. The least change that "
        f"can put it right is to restart {names} and nothing else.",
        [controlling("restart", node) for node in lost],
    )
    after = yield from _look_again("I look again to see whether it reaches Redis now.")
    still = without_redis_in(after.output)
    if still:
        return Reply(
            f"ESCALATED: {', '.join(still)} cannot reach Redis, which runs and which the other nodes "
            f"reach. I tried to restart {names}, and it came back without Redis: {_last(done.output)}. "
            "This looks like the network between them, which I cannot repair."
        )
    return Reply(
        f"RESOLVED: {names} had lost its connection to Redis and was restarted; it reaches Redis again.\n"
        "Redis and the other nodes were not touched."
    )


def _bring_back(node: str, state: str, found: str, *, in_limiter: bool = True) -> Story:
    verbs = ("start", "restart") if state in ("exited", "not started") else ("restart", "restart")
    for attempt, verb in enumerate(verbs):
        why = f"{found} " if attempt == 0 else f"Node {node} is down still, {state}. I try once more. "
        done = yield Reply(
            f"{why}The least change that brings it back is to {verb} this one node.",
            [controlling(verb, node)],
        )
        after = yield from _look_again("I look again to see whether it took.")
        state = _state(after, node)
        if state == "running" and in_limiter:
            waiting = _nodes_still_down((yield Reply(_PATIENT, [_all_up()])))
            state = f"running, but {waiting}" if waiting else state
        if state == "running":
            return Reply(
                f"RESOLVED: node {node} was lost and is back: a {verb} of {node} was run, and it is "
                f"{state}.\nNothing else was touched."
            )
    return Reply(
        f"ESCALATED: node {node} does not come back. I tried to {' and to '.join(verbs)} it, "
        f"and it is {state} each time: {_last(done.output)}\nThe end of its log: "
        f"{log_in(after.output, node)[-300:]}"
    )


def _all_up() -> str:
    """The command that waits until the rate limiter lists every node as Up, for 10 s at most."""
    nodes = answer_of_any('"${RATELIMITER_URL%/}/api/nodes"')
    return (
        f'for i in $(seq 50); do nodes=$({nodes}); case $nodes in *Down*|"") sleep 0.2 ;; *) break ;; '
        'esac; done; echo "nodes: $nodes"'
    )


def _nodes_still_down(seen: Turn) -> str:
    listed = seen.output.rpartition("nodes: ")[2].strip()
    if not listed:
        return "no node lists the nodes"
    return f"the nodes are listed as {listed}" if "Down" in listed else ""


def _look_again(said: str) -> Generator[Reply, Turn, Turn]:
    return (yield Reply(said, [looking_at_nodes()]))


def _state(seen: Turn, node: str) -> str:
    return node_states_in(seen.output).get(node, "not listed")


def _last(output: str) -> str:
    lines = output.strip().splitlines()
    return lines[-1][:300] if lines else "it printed nothing"
