import json

import pytest

from support.evidence.timeline import Event, Timeline, measures

SECOND = 1_000_000_000


def event(kind, at, **detail):
    return Event(kind=kind, at=int(at * SECOND), wall="", detail=detail)


def test_an_event_is_on_disk_before_record_returns(tmp_path):
    timeline = Timeline(tmp_path / "deep" / "timeline.ndjson")
    timeline.record("fault.injected", node="redis", fault="a fault")
    (line,) = (tmp_path / "deep" / "timeline.ndjson").read_text().splitlines()
    written = json.loads(line)
    assert (written["kind"], written["node"]) == ("fault.injected", "redis")
    assert written["detail"] == {"fault": "a fault"}
    assert written["wall"].endswith("+00:00")


def test_events_are_in_the_order_they_happened_not_were_recorded(tmp_path):
    timeline = Timeline(tmp_path / "timeline.ndjson")
    timeline.record("ticket.opened", at=20)
    timeline.record("violation.reported", at=10)
    assert [each.kind for each in timeline.events] == ["violation.reported", "ticket.opened"]


def test_a_kind_that_nobody_knows_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ticket\.lost"):
        Timeline(tmp_path / "timeline.ndjson").record("ticket.lost")


def test_measures_are_taken_between_events():
    events = [
        event("stack.steady", 0),
        event("fault.injected", 1),
        event("fault.shown", 1.5),
        event("violation.reported", 2),
        event("ticket.opened", 2.25),
        event("stack.steady", 4),
        event("ticket.resolved", 5),
    ]
    assert measures(events) == {
        "time_to_detect": 0.5,
        "time_to_ticket": 0.75,
        "time_to_repair": 3.0,
        "time_to_resolve": 2.75,
    }


def test_a_monitor_that_sees_the_fault_before_we_ask_has_needed_no_time():
    events = [event("fault.injected", 1), event("violation.reported", 1.1), event("fault.shown", 1.2)]
    assert measures(events)["time_to_detect"] == 0


def test_a_violation_from_before_the_fault_is_not_its_detection():
    events = [event("violation.reported", 0.5), event("fault.injected", 1), event("fault.shown", 1)]
    assert "time_to_detect" not in measures(events)
