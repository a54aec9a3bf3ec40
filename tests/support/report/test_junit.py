"""JUnit files are what a build server reads: names, times, and one child for what went wrong."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from support.report.junit import junit_files

_GOLDEN = Path(__file__).parent / "golden" / "junit"


def test_there_is_one_file_per_feature_and_one_for_the_run_itself(result) -> None:
    assert set(junit_files(result)) == {path.name for path in _GOLDEN.iterdir()}


@pytest.mark.parametrize("path", sorted(_GOLDEN.iterdir()), ids=lambda path: path.stem)
def test_each_is_written_as_its_golden_file(result, path: Path) -> None:
    assert junit_files(result)[path.name].decode() == path.read_text(encoding="utf-8")


def test_every_verdict_has_its_element(result) -> None:
    suites = [ET.fromstring(content) for content in junit_files(result).values()]
    shown = {
        case.get("name"): [child.tag for child in case if child.tag != "system-out"]
        for suite in suites
        for case in suite.iter("testcase")
        if case.get("file")
    }
    assert shown == {
        "The stack comes up": [],
        "It is noticed, once": ["failure"],
        "Redis does not start": ["error"],
        "The panel is live": ["skipped"],
        "The panel is there": [],
        "Nobody asked": [],
    }


def test_a_run_without_problems_has_no_file_of_its_own(result) -> None:
    calm = replace(result, run=replace(result.run, problems=(), interrupted=None))
    assert "TEST-the-run.xml" not in junit_files(calm)
