"""What the on-call engineer does about a TiKV store that is lost, and how a cluster is read.

PD's API is at `$PD_ENDPOINT`; `nodes.py` knows how nodes are controlled.
"""

import json
import re
from collections.abc import Mapping

from support.model.conversation import Turn
from support.model.counters import Unreadable
from support.model.http_shell import answer_of_any, client_in, first_look, request
from support.model.nodes import commands_of_nodes, controlling, log_in, looking_at_nodes, node_states_in
from support.model.script import Reply, Story

_STORES = '"${PD_ENDPOINT%/}/pd/api/v1/stores"'
_WAIT = 30
"""Seconds the engineer gives a store to come back: its first heartbeat may take ten."""


def store_down(store: str) -> Story:
    """Start the node of the one store, or restart it if it hangs; then wait until PD calls it Up."""
    seen = yield Reply(
        f"The ticket says that store {store} is down. Before I change anything I look at what PD knows of "
        "the stores, which node is which, and what the nodes printed last.",
        [first_look([_STORES]), commands_of_nodes(), looking_at_nodes()],
    )
    listed = _stores_in(seen)
    client = client_in(seen.results[0].text)
    if store not in listed or client is None:
        raise Unreadable(f"PD lists no store {store}; it lists {', '.join(listed) or 'none'}")
    address, state = listed[store]
    node = _node_at(address, seen.results[1].text)
    if state == "Up":
        return Reply(
            f"RESOLVED: store {store} on node {node} is Up again; nothing was changed.\n"
            "It had come back by the time I looked."
        )
    running = node_states_in(seen.results[2].text).get(node, "not listed")
    verb = "start" if running in ("exited", "not started") else "restart"
    done = yield Reply(
        f"Store {store} ({address}) is {state}, and its node {node} is {running}: the store is lost because "
        f"its process is. The least change that brings it back is to {verb} {node}, on its own data.",
        [controlling(verb, node)],
    )
    if "cannot" in done.output:
        return Reply(
            f"ESCALATED: store {store} on node {node} does not come back. I tried to {verb} it, "
            f"and that failed: {done.output.strip()[-300:]}"
        )
    after = yield Reply(
        "I wait until PD has heard of the store again.",
        [_until_up(client, store), looking_at_nodes()],
    )
    state_now = after.results[0].text.rpartition("state: ")[2].strip()
    if state_now.startswith("Up"):
        return Reply(
            f"RESOLVED: store {store} on node {node} was lost ({running}) and is Up again: "
            f"a {verb} of {node} was run.\nNothing else was touched."
        )
    return Reply(
        f"ESCALATED: store {store} on node {node} does not come back. I tried to {verb} it, and PD "
        f"still calls it {state_now or state}.\n"
        f"The end of its log: {log_in(after.results[1].text, node)[-300:]}"
    )


def pd_no_leader() -> Story:
    """Start the PD members that do not run; with a majority of them there is a leader again."""
    seen = yield Reply(
        "The ticket says that PD has no leader. Before I change anything I look which of its members run.",
        [looking_at_nodes()],
    )
    states = node_states_in(seen.output)
    lost = [node for node, state in states.items() if node.startswith("pd") and state != "running"]
    if not lost:
        return Reply(
            "ESCALATED: all PD members run, and yet none leads. I changed nothing: this looks like the "
            "network between them, which I cannot repair."
        )
    names = " and ".join(lost)
    yield Reply(
        f"PD members {names} are not running, so the rest has no majority and no leader. The least change "
        f"that gives PD its majority back is to start {names}.",
        [controlling("start" if states[node] == "exited" else "restart", node) for node in lost],
    )
    leader = 'echo "leader: $(' + _first_answer("/pd/api/v1/leader") + ')"'
    after = yield Reply("I wait for PD to elect a leader.", [leader])
    if '"name"' in after.output:
        return Reply(
            f"RESOLVED: PD had lost its majority; {names} were started, and PD has a leader again.\n"
            "Nothing else was touched."
        )
    return Reply(f"ESCALATED: PD has no leader. I tried to start {names}, and it still names none.")


def _first_answer(path: str) -> str:
    """The command that asks PD until it answers, for `_WAIT` seconds at most."""
    url = f'"${{PD_ENDPOINT%/}}{path}"'
    asking = answer_of_any(url)
    return f"for i in $(seq {_WAIT * 5}); do {asking} && break; sleep 0.2; done"


def _until_up(client: str, store: str) -> str:
    url = f'"${{PD_ENDPOINT%/}}/pd/api/v1/store/{store}"'
    return (
        f"for i in $(seq {_WAIT * 5}); do state=$({request(client, 'GET', url)} | "
        """sed -n 's/.*"state_name": *"\\([A-Za-z]*\\)".*/\\1/p'); """
        '[ "$state" = Up ] && break; sleep 0.2; done; echo "state: $state"'
    )


def _stores_in(seen: Turn) -> Mapping[str, tuple[str, str]]:
    """Address and state of each store, by its id."""
    output = seen.results[0].text
    try:
        body, _ = json.JSONDecoder().raw_decode(output[output.index("{") :])
        return {
            str(each["store"]["id"]): (each["store"]["address"], each["store"]["state_name"])
            for each in body["stores"]
        }
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"PD lists no stores: {output.strip()[-200:]!r}") from error


def _node_at(address: str, output: str) -> str:
    for section in re.split(r"^== ", output, flags=re.MULTILINE)[1:]:
        node, _, inspected = section.partition("\n")
        if f"addr={address}" in inspected:
            return node.strip()
    raise Unreadable(f"no node has the address {address}: {output.strip()[-200:]!r}")
