"""What is made of an engine's events, told by a docker command that plays an engine."""

import json
from collections import Counter

import anyio
import pytest

from support.supervisor import Supervisor
from support.verdict import BrokenBed

pytestmark = pytest.mark.anyio

MINE = {"com.docker.compose.project": "mine", "com.docker.compose.service": "redis"}


@pytest.fixture
def play(tmp_path):
    """An engine that tells of these events, and then stops or stays."""
    from support.stacks.docker import Engine
    from support.stacks.docker_events import Events

    def make(*events, stays=True):
        told = tmp_path / "events"
        told.write_text("".join(json.dumps(event) + "\n" for event in events))
        client = tmp_path / "docker"
        client.write_text(
            f"#!/bin/sh\n/bin/cat {told}\n{'exec /bin/sleep 60' if stays else 'echo EOF >&2'}\n"
        )
        client.chmod(0o755)
        engine = Engine(client=str(client), host="unix:///nowhere", tag="t").of(
            "mine", files=[], variables={}
        )
        made = Events(engine, started=lambda name, since: starts.append((name, since)))
        made.note = lambda change: changes.append(change.what)
        return made

    starts, changes = [], []
    make.starts, make.changes = starts, changes
    return make


def container(action, *, at=1, labels=MINE, id_="abc"):
    return {
        "Type": "container",
        "Action": action,
        "Actor": {"ID": id_, "Attributes": dict(labels)},
        "timeNano": at * 10**9,
    }


async def taken(events, tmp_path, *, until):
    async with Supervisor(tmp_path / "spools") as supervisor, anyio.create_task_group() as tasks:
        tasks.start_soon(events.run, await events.listen(supervisor, tmp_path))
        with anyio.fail_after(20):
            while not until():  # noqa: ASYNC110
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()


async def test_states_follow_the_events(play, tmp_path):
    events = play(
        container("create"),
        container("start", at=2),
        container("health_status: healthy"),
        container("die", at=4),
        container("start", at=5),
        container("pause", at=6),
    )
    await taken(events, tmp_path, until=lambda: events.of("redis").state == "paused")
    seen = events.of("redis")
    assert (seen.started, seen.health, seen.container) == (5 * 10**9, "starting", "abc")
    assert play.starts == [("redis", 0), ("redis", 4 * 10**9)]


async def test_what_somebody_does_is_a_change_and_what_happens_by_itself_is_none(play, tmp_path):
    connect = {
        "Type": "network",
        "Action": "connect",
        "timeNano": 10**9,
        "Actor": {"Attributes": {"container": "abc"}},
    }
    events = play(
        connect,
        container("start"),
        container("health_status: unhealthy"),
        connect,
        container("die"),
        connect,
        container("restart"),
        container("unpause", labels={"com.docker.compose.project": "another"}),
        container("pause"),
    )
    await taken(events, tmp_path, until=lambda: events.of("redis").state == "paused")
    assert Counter(play.changes) == Counter(
        ["docker start redis", "docker network connect redis", "docker restart redis", "docker pause redis"]
    )


async def test_what_the_suite_does_itself_is_no_change(play, tmp_path, monkeypatch):
    clock = iter((1.0, 3.0))
    monkeypatch.setattr("support.stacks.docker_events.time.time", lambda: next(clock, 9.0))
    events = play(container("kill", at=2), container("start", at=4), container("pause", at=5))
    with events.own("redis"):
        pass
    await taken(events, tmp_path, until=lambda: events.of("redis").state == "paused")
    assert play.changes == ["docker start redis", "docker pause redis"]


async def test_an_engine_that_stops_answering_is_trouble_with_its_last_words(play, tmp_path):
    events = play(container("start"), stays=False)
    await taken(events, tmp_path, until=lambda: events.trouble)
    assert events.trouble == (
        "the Docker engine at unix:///nowhere stopped answering in the middle of the run: EOF"
    )
    with pytest.raises(BrokenBed, match="stopped answering in the middle of the run"):
        await events.until("never", lambda: False, within=5)


async def test_a_container_that_is_removed_is_trouble_but_not_while_the_stack_is_taken_down(play, tmp_path):
    events = play(container("start"), container("destroy"), container("pause"))
    await taken(events, tmp_path, until=lambda: events.of("redis").state == "paused")
    assert events.trouble == "the container of node redis was removed, and not by this run"
    events = play(container("start"), container("destroy"), container("pause"))
    events.stopping = True
    await taken(events, tmp_path, until=lambda: events.of("redis").state == "paused")
    assert events.trouble is None
