"""Faults in any order on real processes: PD's view obeys its rules, and no acknowledged write is lost."""

import contextlib
import time

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SCALE = 10
DISCONNECTED, DOWN = 20 / SCALE, 1800 / SCALE
NODES = ["pd0", "pd1", "pd2", "tikv0", "tikv1", "tikv2"]

ACTION = st.one_of(
    st.tuples(st.sampled_from(["kill", "kill", "pause", "leave"]), st.sampled_from(NODES)),
    st.tuples(st.sampled_from(["restart", "resume"]), st.sampled_from(NODES)),
    st.tuples(st.just("cut"), st.sampled_from(NODES), st.sampled_from(NODES)),
    st.tuples(st.sampled_from(["resign", "mend", "watch", "watch"])),
)


class Watched:
    """A cluster, what was done to it, and what must therefore be true."""

    def __init__(self, cluster) -> None:
        self.cluster = cluster
        self.ids = {name: each["store"]["id"] for name, each in cluster.described().items()}
        self.silent_since: dict[str, int] = {}
        self.kept: dict[str, str] = {}
        self.writes = 0

    def do(self, what: str, *names: str) -> None:
        cluster, nodes = self.cluster, [self.cluster.nodes[name] for name in names]
        match what:
            case "kill" if nodes[0].running():
                nodes[0].kill()
            case "leave" if nodes[0].running() and not nodes[0].paused:
                assert nodes[0].leave() == 0
            case "pause" if nodes[0].running():
                nodes[0].pause()
            case "resume" if nodes[0].running():
                nodes[0].resume()
            case "restart" if not nodes[0].running():
                cluster.restart(nodes[0])
            case "cut" if names[0] != names[1]:
                cluster.links.cut(*names)
            case "watch":
                # Long enough for states to change and leaders to move.
                until = time.monotonic() + 1.5 * DISCONNECTED
                while time.monotonic() < until:
                    self.observe()
            case "mend":
                cluster.links.mend()
            case "resign":
                for node in cluster.members:
                    if node.running() and not node.paused:
                        with contextlib.suppress(httpx.TransportError):
                            cluster.client.post(f"{node.url}/pd/api/v1/leader/resign", timeout=1)
                        return
        for name in names:
            if cluster.nodes[name].running() and not cluster.nodes[name].paused:
                self.silent_since.pop(name, None)
            else:
                self.silent_since.setdefault(name, time.time_ns())

    def observe(self) -> None:
        self.look()
        self.write()
        self.read()

    def look(self) -> None:
        for node in self.cluster.members:
            if not node.running() or node.paused:
                continue
            before = time.time_ns()
            try:
                answer = self.cluster.get(node, "/stores", timeout=1)
            except httpx.TransportError:
                continue
            after = time.time_ns()
            assert answer.status_code in (200, 500, 503), answer.text
            if answer.status_code == 200:
                stores = answer.json()["stores"]
                assert {self.cluster.name_of(each): each["store"]["id"] for each in stores} == self.ids
                for each in stores:
                    self.check(self.cluster.name_of(each), each["store"], each["status"], before, after)

    def check(self, name: str, store, status, before: int, after: int) -> None:
        heard = store["last_heartbeat"]
        least, most = (before - heard) / 10**9, (after - heard) / 10**9
        assert "state" not in store
        assert heard <= after
        # PD received it: a heartbeat that was under way when its store fell silent may come later.
        if since := self.silent_since.get(name):
            assert heard < since + 10**9
        allowed = set()
        if least <= DISCONNECTED:
            allowed.add("Up")
        if most > DISCONNECTED and least <= DOWN:
            allowed.add("Disconnected")
        if most > DOWN:
            allowed.add("Down")
        assert store["state_name"] in allowed, f"{name}: {store} after {least} to {most} s"
        assert ("uptime" in status) == (heard > store["start_timestamp"] * 10**9)
        assert 0 <= status["leader_count"] <= status["region_count"] == 3

    def write(self) -> None:
        for store in self.cluster.stores:
            if not store.running() or store.paused:
                continue
            # A write without an answer may take effect at any later time, so no key is used twice.
            self.writes += 1
            key, value = f"key{self.writes}", f"value{self.writes}"
            with contextlib.suppress(httpx.TransportError):
                url = f"{store.url}/kv/{key}"
                if self.cluster.client.put(url, content=value.encode(), timeout=1).status_code == 204:
                    self.kept[key] = value

    def read(self) -> None:
        for store in self.cluster.stores:
            if store.running() and not store.paused:
                for key in list(self.kept)[-4:]:
                    with contextlib.suppress(httpx.TransportError):
                        answer = self.cluster.client.get(f"{store.url}/kv/{key}", timeout=1)
                        found = answer.status_code, answer.text
                        assert found[0] == 503 or found == (200, self.kept[key]), f"{key} at {store.name}"

    def heal(self) -> None:
        self.do("mend")
        for name, node in self.cluster.nodes.items():
            self.do("resume", name)
            if not node.running():
                self.do("restart", name)
        self.cluster.until_steady()
        for store in self.cluster.stores:
            for key, value in self.kept.items():
                self.cluster.until(lambda s=store, k=key: self.cluster.read(s, k), (200, value))
        self.look()


def test_pd_obeys_its_rules_and_nothing_acknowledged_is_lost(make_cluster):
    cluster = make_cluster(scale=SCALE, cuttable=True)
    cluster.start()
    cluster.until_steady()
    watched = Watched(cluster)

    # One cluster for all: what it went through before is part of the test, so nothing is shrunk.
    @settings(
        max_examples=8,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(actions=st.lists(ACTION, min_size=3, max_size=8))
    def run(actions) -> None:
        try:
            for action in actions:
                watched.do(*action)
                watched.observe()
            watched.heal()
        except Exception as error:
            error.add_note(cluster.logs())
            raise

    run()
