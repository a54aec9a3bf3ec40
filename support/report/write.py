"""The files of a run under its reports directory, each either whole or not there."""

import os
import shutil
from collections.abc import Container
from pathlib import Path

from support.evidence.redaction import Redactor
from support.report.index_page import index_html
from support.report.junit import junit_files
from support.report.messages import messages_ndjson
from support.report.model import RunResult
from support.report.summary import summary_md
from support.report.traceability import to_json

__all__ = ["EVIDENCE", "PAGE", "TRACEABILITY", "clear_reports", "write_reports"]

TRACEABILITY = "traceability.json"
PAGE = "index.html"
_SUMMARY = "summary.md"
_MESSAGES = "messages.ndjson"
_JUNIT = "junit"
EVIDENCE = "evidence"
"""The directory below the reports that beds keep their evidence in."""


def write_reports(result: RunResult, reports: Path, *, root: Path, redactor: Redactor | None = None) -> Path:
    """Write every form of the report and return the path of the page, `index.html`.

    The locations of scenarios count from `root`; `redactor` masks what is read from there. JUnit files of
    features that are not in this result go, or a build server counts them again. Raises OSError when the
    directory cannot be written to.
    """
    files = junit_files(result)
    (reports / _JUNIT).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        _replace(reports / _JUNIT / name, content)
    _remove_junit(reports, keep=files.keys())
    _replace(reports / TRACEABILITY, to_json(result))
    _replace(reports / _SUMMARY, summary_md(result).encode("utf-8", "backslashreplace"))
    _replace(reports / _MESSAGES, messages_ndjson(result, root, redactor=redactor))
    page = reports / PAGE
    _replace(page, index_html(result, reports))
    return page


def clear_reports(reports: Path) -> None:
    """Remove what an earlier run wrote: a run that is killed must not leave another one's verdict."""
    for name in (TRACEABILITY, PAGE, _SUMMARY, _MESSAGES):
        (reports / name).unlink(missing_ok=True)
    if (reports / EVIDENCE).exists():
        shutil.rmtree(reports / EVIDENCE)
    _remove_junit(reports, keep=())


def _remove_junit(reports: Path, *, keep: Container[str]) -> None:
    for path in (reports / _JUNIT).glob("TEST-*.xml"):
        if path.name not in keep:
            path.unlink()


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
