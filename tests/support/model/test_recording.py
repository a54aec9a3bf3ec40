import json
from pathlib import Path

import pytest

from support.evidence.redaction import Redactor
from support.model.meter import Meter
from support.model.places import Places
from support.model.recording import Recorder, first_difference, read_recording, recording_of
from support.model.wire import events, message, message_of

DIRECTORY = Path("/tmp/run-k3x9")


def test_what_differs_from_run_to_run_is_taken_out() -> None:
    said = (
        'GET http://127.0.0.1:40123/api/nodes {"address":"127.0.0.1:40124","pid": 8123,"age":0.213,'
        f'"at":"2026-11-21T01:22:29.530+00:00"}} {DIRECTORY}/b7/tickets.db, port 40123, count 15'
    )
    assert Places(private=DIRECTORY).normal([said]) == [
        'GET http://127.0.0.1:{{port 1}}/api/nodes {"address":"127.0.0.1:{{port 2}}","pid": {{pid 1}},'
        '"age":{{time}},"at":"{{time}}"} {{directory 1}}/tickets.db, port {{port 1}}, count 15'
    ]


def test_an_answer_names_the_places_of_its_own_run() -> None:
    then, now = Places(private=DIRECTORY), Places(private=DIRECTORY)
    assert then.normal("at 127.0.0.1:40123") == now.normal("at 127.0.0.1:55555")
    kept = then.hidden({"command": "curl 127.0.0.1:40123/x; sleep 1.5"})
    assert now.shown(kept) == {"command": "curl 127.0.0.1:55555/x; sleep 1.5"}


def test_a_recording_holds_no_secret_and_can_be_read(tmp_path: Path) -> None:
    path = recording_of(tmp_path, Path("reports/evidence/autonomy/11-a-real-model"))
    assert path == tmp_path / "autonomy" / "a-real-model.jsonl"
    recorder = Recorder(path, Places(private=DIRECTORY), Redactor({"key": "s3cret-key"}))
    recorder.add({"messages": ["my s3cret-key at 127.0.0.1:40123"]}, 200, {"text": "not s3cret-key"})
    recorder.add({"messages": []}, 529, {"type": "error"})
    assert "s3cret-key" not in path.read_text()
    first, second = read_recording(path)
    assert first.request == {"messages": ["my ********** at 127.0.0.1:{{port 1}}"]}
    assert second.status == 529


def test_a_file_that_is_no_recording_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(ValueError, match=r"x\.jsonl is no recording"):
        read_recording(tmp_path / "x.jsonl")


def test_the_first_difference_is_told_in_words() -> None:
    one = {"messages": [{"content": "count 15"}], "model": "m"}
    other = {"messages": [{"content": "count 16"}], "model": "m"}
    assert first_difference(one, other) == "request.messages[0].content: 'count 15' where it was 'count 16'"
    assert first_difference(one, json.loads(json.dumps(one))) is None


def test_tokens_cost_what_their_model_costs() -> None:
    meter = Meter(budget=1, price=None)
    usage = {"input_tokens": 100_000, "output_tokens": 10_000, "cache_read_input_tokens": 1_000_000}
    assert meter.count("claude-sonnet-5-5", usage).us_dollars == pytest.approx(0.2 + 0.1 + 0.2)
    assert meter.refusal("claude-sonnet-5-5") is None
    meter.count("claude-opus-5-5", {"input_tokens": 200_000})
    assert "the budget of US$ 1 for this run is spent" in (meter.refusal("claude-sonnet-5-5") or "")


def test_a_model_without_a_price_is_not_asked() -> None:
    assert "-D price=IN/OUT" in (Meter(budget=1, price=None).refusal("somebody-elses-7b") or "")
    assert Meter(budget=1, price=(0, 0)).refusal("somebody-elses-7b") is None


def test_a_stream_is_put_together_again() -> None:
    call = {"type": "tool_use", "id": "t", "name": "shell", "input": {"command": "echo 'a long command'"}}
    content = [{"type": "text", "text": "I look. " * 9}, call]
    whole = message(message_id="m", model="x", content=content, stop_reason="tool_use", history=[])
    assert message_of(b"".join(events(whole))) == whole
    assert message_of(json.dumps(whole).encode()) == whole
    assert message_of(b"<html>") == {"text": "<html>"}
