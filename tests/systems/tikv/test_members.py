"""PD members as processes: electing, following, failing."""

import httpx
import pytest

NO_LEADER = "[PD:apiutil:ErrRedirectNoLeader]redirect finds no leader\n"


def health(cluster, node) -> dict[str, bool]:
    return {each["name"]: each["health"] for each in cluster.get(node, "/health").json()}


def two_but(cluster, node):
    return [each for each in cluster.members if each is not node]


def test_three_members_agree_on_one_leader(steady):
    assert len({steady.get(node, "/leader").json()["name"] for node in steady.members}) == 1


def test_a_follower_answers_for_the_leader_without_a_redirect(steady):
    leader = steady.leader()
    [follower, _] = two_but(steady, leader)
    told, known = steady.get(follower, "/members"), steady.get(leader, "/members")
    assert (told.status_code, told.json()) == (200, known.json())
    assert told.headers["content-type"] == known.headers["content-type"]


def test_a_follower_told_to_answer_itself_knows_no_stores(steady):
    [follower, _] = two_but(steady, steady.leader())
    answer = steady.get(follower, "/stores", headers={"PD-Allow-follower-handle": "true"})
    assert answer.status_code == 500
    assert "ErrNotBootstrapped" in answer.json()


def test_a_request_that_was_passed_on_is_not_passed_on_again(steady):
    [follower, _] = two_but(steady, steady.leader())
    answer = steady.get(follower, "/stores", headers={"PD-Redirector": "pd7"})
    assert answer.status_code == 500
    assert answer.text == "[PD:apiutil:ErrRedirectToNotLeader]redirect to not leader\n"


def test_a_follower_that_died_is_unhealthy_and_nothing_else_changes(cluster):
    leader = cluster.leader()
    [dead, other] = two_but(cluster, leader)
    dead.kill()
    assert health(cluster, other) == {leader.name: True, other.name: True, dead.name: False}
    assert cluster.leader() is leader
    assert set(cluster.states(at=other).values()) == {"Up"}


def test_without_a_leader_there_is_500_or_503_until_there_is_another(make_cluster):
    cluster = make_cluster(scale=5, stores=0)
    cluster.start()
    cluster.until_all_members_answer()
    dead = cluster.leader()
    living = two_but(cluster, dead)
    dead.kill()
    seen = set()
    while (answer := cluster.get(living[0], "/leader")).status_code != 200:
        seen.add((answer.status_code, answer.text))
    # For a while the follower believes in its leader, then it waits for another one.
    assert (500, "[PD:apiutil:ErrRedirect]redirect failed\n") in seen
    assert seen <= {
        (500, "[PD:apiutil:ErrRedirect]redirect failed\n"),
        (503, NO_LEADER),
        # A leader that was elected a moment ago and does not serve yet.
        (500, "[PD:apiutil:ErrRedirectToNotLeader]redirect to not leader\n"),
    }
    assert cluster.leader(among=living) in living


def test_a_member_without_a_majority_answers_503_but_its_own_paths(cluster):
    survivor, *others = cluster.members
    for node in others:
        node.kill()
    cluster.until(lambda: cluster.get(survivor, "/stores").status_code, 503)
    answer = cluster.get(survivor, "/stores")
    assert (answer.text, answer.headers["content-type"]) == (NO_LEADER, "text/plain; charset=utf-8")
    # The redirector waits for a leader before it says so: three seconds, twenty times faster.
    assert answer.elapsed.total_seconds() >= 3 / 20
    for path in ("/status", "/ping", "/version", "/config"):
        assert cluster.get(survivor, path).status_code == 200
    assert health(cluster, survivor) == {survivor.name: True} | {node.name: False for node in others}
    assert httpx.get(f"{survivor.url}/health").status_code == 503


def test_a_majority_that_returns_knows_what_it_knew(cluster):
    known = {name: each["store"]["id"] for name, each in cluster.described().items()}
    members = cluster.get(cluster.members[0], "/members").json()
    for node in cluster.members:
        node.kill()
    for node in cluster.members:
        cluster.restart(node)
    cluster.until_steady()
    assert {name: each["store"]["id"] for name, each in cluster.described().items()} == known
    again = cluster.get(cluster.members[0], "/members").json()
    assert (again["header"], again["members"]) == (members["header"], members["members"])


def test_a_paused_leader_is_replaced_and_follows_when_it_wakes(cluster):
    paused = cluster.leader()
    living = two_but(cluster, paused)
    paused.pause()
    cluster.until(lambda: cluster.leader(among=living) in living, True)
    paused.resume()
    cluster.until(lambda: cluster.leader(among=[paused]) in living, True)


@pytest.mark.parametrize("path", ["/leader/resign", "/leader/transfer/{name}"])
def test_a_leader_told_to_resign_is_replaced(cluster, path):
    leader = cluster.leader()
    heir = two_but(cluster, leader)[0]
    answer = cluster.client.post(f"{heir.url}/pd/api/v1{path.format(name=heir.name)}")
    assert answer.status_code == 200
    assert answer.json() in ("The resign command is submitted.", "The transfer command is submitted.")
    expected = [heir] if "transfer" in path else two_but(cluster, leader)
    cluster.until(lambda: cluster.leader() in expected, True)


def test_leadership_is_not_transferred_to_a_stranger(steady):
    answer = steady.client.post(f"{steady.leader().url}/pd/api/v1/leader/transfer/pd9")
    assert (answer.status_code, answer.json()) == (500, "no valid pd to transfer etcd leader")


def test_a_leader_cut_off_from_the_others_stops_serving(make_cluster):
    cluster = make_cluster(scale=10, cuttable=True)
    cluster.start()
    cluster.until_steady()
    alone = cluster.leader()
    others = two_but(cluster, alone)
    cluster.links.cut(alone.name, *(node.name for node in others))
    cluster.until(lambda: cluster.leader(among=others) in others, True)
    assert cluster.get(alone, "/stores").status_code == 503
    cluster.links.mend()
    cluster.until(lambda: cluster.leader(among=[alone]) in others, True)
    cluster.until_steady()
