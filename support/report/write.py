"""The files of a run under its reports directory, each either whole or not there."""

import gc
import os
import shutil
import traceback
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.evidence.redaction import Redactor
from support.report.index_page import index_html
from support.report.junit import junit_files
from support.report.model import RunResult
from support.report.summary import summary_md
from support.report.traceability import to_json

__all__ = ["EVIDENCE", "PAGE", "TRACEABILITY", "clear_reports", "write_reports"]

TRACEABILITY = "traceability.json"
PAGE = "index.html"
_SUMMARY = "summary.md"
_MESSAGES = "messages.ndjson"
_JUNIT = "junit"
_UNTOLD = 255
"""The exit status of a child that gives no errno."""
EVIDENCE = "evidence"
"""The directory below the reports that beds keep their evidence in."""


def write_reports(result: RunResult, reports: Path, *, root: Path, redactor: Redactor | None = None) -> Path:
    """Write every form of the report and return the path of the page, `index.html`.

    The locations of scenarios count from `root`; `redactor` masks what is read from there. JUnit files of
    features that are not in this result go, or a build server counts them again. Raises OSError when the
    directory cannot be written to.
    """
    (reports / _JUNIT).mkdir(parents=True, exist_ok=True)
    with _beside(lambda: _write_messages(result, reports, root=root, redactor=redactor)):
        files = junit_files(result)
        for name, content in files.items():
            _replace(reports / _JUNIT / name, content)
        _remove_junit(reports, keep=files.keys())
        _replace(reports / TRACEABILITY, to_json(result))
        _replace(reports / _SUMMARY, summary_md(result).encode("utf-8", "backslashreplace"))
        _replace(reports / PAGE, index_html(result, reports))
    return reports / PAGE


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


@contextmanager
def _beside(write: Callable[[], None]) -> Iterator[None]:
    """Have a child of this process write what takes as long as all the rest, which is done meanwhile.

    Raises OSError when the child could not.
    """
    child = os.fork()
    if not child:
        status = _UNTOLD
        gc.disable()  # it ends soon, and the pages that it looks at would be copied
        try:
            write()
            status = 0
        except OSError as error:
            status = error.errno or _UNTOLD
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    try:
        yield
    finally:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise OSError(status, "it was not said why" if status == _UNTOLD else os.strerror(status))


def _write_messages(result: RunResult, reports: Path, *, root: Path, redactor: Redactor | None) -> None:
    from support.report.messages import messages_ndjson  # nobody but the child needs Cucumber's parser

    _replace(reports / _MESSAGES, messages_ndjson(result, root, redactor=redactor))


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
