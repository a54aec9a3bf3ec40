"""A report is either whole or not there."""

import errno
import os
from dataclasses import replace

import pytest

from support.report.traceability import from_json
from support.report.write import clear_reports, write_reports


def test_the_files_are_written_and_nothing_else(tmp_path, result) -> None:
    path = write_reports(result, tmp_path / "reports", root=tmp_path)
    assert from_json(path.with_name("traceability.json").read_bytes()) == result
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == [
        "reports/index.html",
        "reports/junit/TEST-demo.xml",
        "reports/junit/TEST-operator.over_limit.xml",
        "reports/junit/TEST-the-run.xml",
        "reports/messages.ndjson",
        "reports/summary.md",
        "reports/traceability.json",
    ]


def test_a_later_run_leaves_no_suite_of_an_earlier_one(tmp_path, result) -> None:
    write_reports(result, tmp_path, root=tmp_path)
    (tmp_path / "junit/mine.xml").write_text("kept")
    write_reports(replace(result, unassigned=(), requirements=()), tmp_path, root=tmp_path)
    assert {p.name for p in (tmp_path / "junit").iterdir()} == {"TEST-the-run.xml", "mine.xml"}


def test_a_write_that_fails_leaves_the_earlier_file_and_no_litter(tmp_path, result, monkeypatch) -> None:
    path = write_reports(result, tmp_path, root=tmp_path)
    before = path.read_bytes()

    def full(self, target):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space left"):
        write_reports(replace(result, unassigned=()), tmp_path, root=tmp_path)
    assert path.read_bytes() == before
    assert not [p for p in tmp_path.rglob(".*") if p.is_file()]


def test_what_a_child_of_the_process_writes_fails_as_loudly(tmp_path, result, monkeypatch, capfd) -> None:
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("support.report.messages.messages_ndjson", full)
    with pytest.raises(OSError, match="No space left on device"):
        write_reports(result, tmp_path, root=tmp_path)
    assert (tmp_path / "index.html").exists()
    monkeypatch.setattr("support.report.messages.messages_ndjson", lambda *_, **__: 1 / 0)
    with pytest.raises(OSError, match="it was not said why"):
        write_reports(result, tmp_path, root=tmp_path)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_clearing_removes_results_and_evidence_and_nothing_else(tmp_path, result) -> None:
    write_reports(result, tmp_path, root=tmp_path)
    (tmp_path / "evidence" / "demo").mkdir(parents=True)
    (tmp_path / "notes.txt").touch()
    clear_reports(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["junit", "notes.txt"]
    clear_reports(tmp_path / "never")
