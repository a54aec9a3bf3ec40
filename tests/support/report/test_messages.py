"""`messages.ndjson` is what Cucumber's own tools read."""

import json
import shutil
import subprocess
from pathlib import Path

import cucumber_messages
import pytest
from cucumber_messages.json_converter import JsonDataclassConverter

from support.report.messages import messages_ndjson

_GOLDEN = Path(__file__).parent / "golden"
_FORMAT = """
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import formatter from "@cucumber/html-formatter";
const Formatter = formatter.default || formatter;
const out = createWriteStream(process.argv[3]);
const html = new Formatter();
const done = pipeline(html, out);
const lines = createInterface({ input: createReadStream(process.argv[2]) });
for await (const line of lines) html.write(JSON.parse(line));
html.end();
await done;
"""


def _envelopes(result):
    return [json.loads(line) for line in messages_ndjson(result, _GOLDEN).splitlines()]


def test_it_is_written_as_the_golden_file(result) -> None:
    written = [envelope for envelope in _envelopes(result) if "meta" not in envelope]
    golden = (_GOLDEN / "messages.ndjson").read_text(encoding="utf-8").splitlines()
    assert written == [json.loads(line) for line in golden]


def test_every_line_is_a_message_as_the_official_classes_define_it(result) -> None:
    converter = JsonDataclassConverter(module_scope=cucumber_messages)
    for envelope in _envelopes(result):
        message = converter.from_dict(envelope, cucumber_messages.Envelope)
        assert converter.to_dict(message).keys() == envelope.keys()


def test_every_verdict_has_its_status(result) -> None:
    envelopes = _envelopes(result)
    finished = [e["testStepFinished"]["testStepResult"] for e in envelopes if "testStepFinished" in e]
    assert [each["status"] for each in finished] == [
        "SKIPPED",
        "PASSED",
        "PASSED",
        "PASSED",
        "FAILED",
        "SKIPPED",
        "FAILED",
    ]
    (ended,) = [e["testRunFinished"] for e in envelopes if "testRunFinished" in e]
    assert not ended["success"]


def test_a_feature_that_reads_differently_now_is_left_out_and_counted(result, tmp_path) -> None:
    lines = messages_ndjson(result, tmp_path).splitlines()
    assert not any(b'"testCase"' in line for line in lines)
    assert b"6 scenarios left out" in lines[-1]


def test_the_official_html_formatter_takes_it(result, tmp_path) -> None:
    if not shutil.which("npm"):
        pytest.skip("no npm here: apt-get install nodejs npm")
    packages = ("@cucumber/html-formatter", "@cucumber/messages")
    npm = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", *packages],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if npm.returncode:
        pytest.skip(f"npm cannot install {' and '.join(packages)}: {npm.stderr[-300:]}")
    (tmp_path / "format.mjs").write_text(_FORMAT)
    (tmp_path / "messages.ndjson").write_bytes(messages_ndjson(result, _GOLDEN))
    subprocess.run(
        ["node", "format.mjs", "messages.ndjson", "page.html"], cwd=tmp_path, check=True, timeout=120
    )
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "It is noticed, once" in page
    assert "there were 2" in page
