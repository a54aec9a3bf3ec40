"""The page in a real browser: it opens, filters, shows a failure with its evidence, and excludes nobody."""

import json
import shutil
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from support.report.model import RunResult, Strength
from support.report.write import write_reports
from support.supervisor.spool import RECORD

_READY = "document.documentElement.dataset.ready === 'yes'"
_FAILED = "features/operator/over_limit.feature:14"
_AUDIT = "axe.run().then((found) => { window.audit = found; })"
_CONVERSATION = """
CREATE TABLE tickets (id, violation_key, invariant_name, store_id, status, held, occurrence_count,
    resolved_at, message, diagnosis);
INSERT INTO tickets VALUES (1, 'over_limit:checkout', '', '', 'resolved', 0, 2, NULL, 'too many', '');
CREATE TABLE agent_sessions (id, session_id, ticket_id, status, started_at, ended_at, outcome_summary);
INSERT INTO agent_sessions VALUES (1, 's1', 1, 'resolved', '', NULL, 'reset');
CREATE TABLE agent_log_entries (id, session_id, entry_type, content, tool_name, tool_params, exit_code,
    timestamp);
INSERT INTO agent_log_entries VALUES (1, 's1', 'reasoning', 'I look first.', NULL, NULL, NULL, '');
"""


@pytest.fixture
def page(result: RunResult, tmp_path: Path) -> Path:
    """The page of a result with all kinds of evidence for its failure."""
    evidence = tmp_path / "reports/evidence/over/2"
    evidence.mkdir(parents=True)
    events = [("stack.steady", 0), ("fault.injected", 1), ("violation.reported", 2), ("fault.healed", 3)]
    (evidence / "timeline.ndjson").write_text(
        "\n".join(json.dumps({"kind": k, "at": at * 10**9, "detail": {}}) for k, at in events)
    )
    (evidence / "monitor.stdout").write_bytes(b"all is well\nsomething is wrong\n")
    (evidence / "monitor.stdout.index").write_bytes(RECORD.pack(0, 10**9) + RECORD.pack(12, 15 * 10**8))
    (evidence / "chapter.screen").write_text("┌────┐\n│ ok │\n└────┘\n")
    with sqlite3.connect(evidence / "tickets.db") as database:
        database.executescript(_CONVERSATION)
    database.close()
    names = tuple(
        f"evidence/over/2/{path.name}" for path in sorted(evidence.iterdir()) if path.suffix != ".index"
    )
    rich = _strong(_with_evidence(result, names))
    return write_reports(rich, tmp_path / "reports", root=tmp_path)


def _strong(result: RunResult) -> RunResult:
    """One criterion that a sabotage was caught breaking, and one that none was."""
    seen = {"missed": (), "wrongly_red": (), "commit": "0123456789ab", "operator": "built-in"}
    proved = {**seen, "proved": "2025-02-28T12:00:00Z"}
    strengths = {
        "DEMO-05.1": Strength(caught=("mute monitor", "pessimist monitor"), why=None, **proved),
        "DEMO-05.2": Strength(
            caught=(), why="blind monitor: missed", **{**proved, "missed": ("blind monitor",)}
        ),
    }
    return replace(
        result,
        requirements=tuple(
            replace(r, criteria=tuple(replace(c, strength=strengths.get(c.id)) for c in r.criteria))
            for r in result.requirements
        ),
    )


def _with_evidence(result: RunResult, names: tuple[str, ...]) -> RunResult:
    def rich(scenarios):
        return tuple(replace(s, evidence=names) if s.location == _FAILED else s for s in scenarios)

    return replace(
        result,
        requirements=tuple(
            replace(r, criteria=tuple(replace(c, scenarios=rich(c.scenarios)) for c in r.criteria))
            for r in result.requirements
        ),
    )


@pytest.fixture
def tab(browser, page):
    """The page, open."""
    browser.show()
    browser.open(page)
    browser.until(_READY)
    yield browser
    assert browser.complaints == []


def _shown(tab, selector: str) -> list[str]:
    """The text of every element that is on the page and can be seen."""
    return tab.run(
        f"[...document.querySelectorAll({json.dumps(selector)})]"
        ".filter((e) => e.checkVisibility()).map((e) => e.innerText.trim())"
    )


def test_the_headline_answers_before_anything_else(tab) -> None:
    assert _shown(tab, "h1") == ["2 criteria failed; 1 of 8 criteria proven"]
    assert "Shown with substitutes: model double." in _shown(tab, ".lead")
    assert "is red: interrupted by SIGTERM" in _shown(tab, ".gate")[0]


def test_what_failed_is_open_with_its_sentences_and_its_evidence(tab) -> None:
    (failed,) = _shown(tab, "details.scenario.failed[open]")
    for part in (
        'one ticket is filed for "checkout"',
        "but: there were 2",
        "something is wrong",
        "I look first.",
        "│ ok │",
        "4 events as a list",
        "tickets.db",
    ):
        assert part in failed


def test_the_strength_of_a_criterion_is_beside_its_verdict(tab) -> None:
    on = "28 February 2025, 12:00 UTC, commit 0123456789ab"
    assert _shown(tab, "[id='DEMO-05.1'] .strength p") == [
        f"Strength: 2 sabotages caught (mute monitor, pessimist monitor), {on}"
    ]
    assert _shown(tab, "[id='DEMO-05.2'] .strength p") == [
        f"Strength: unproven, blind monitor: missed ({on})",
        "Missed: blind monitor",
    ]


def test_words_and_verdicts_filter_requirements_and_scenarios(tab) -> None:
    tab.run("document.getElementById('find').focus()")
    tab.call("Input.insertText", text="panel is live")
    tab.until("document.querySelectorAll('details.scenario').length === 1")
    assert _shown(tab, "#found") == ["1 criterion and 1 scenario found"]
    assert _shown(tab, ".criterion h4") == ["DEMO-06.1"]
    tab.run("document.getElementById('clear').click()")
    tab.until("document.querySelectorAll('details.scenario').length === 6")
    tab.run("document.querySelector('.chip input[value=broken]').click()")
    assert _shown(tab, ".criterion h4") == ["DEMO-05.3"]


def test_a_criterion_leads_to_its_scenario_and_back(tab) -> None:
    tab.run("[...document.querySelectorAll('.cell')].find((e) => e.title.startsWith('AUDIT-01.1')).click()")
    tab.until("document.activeElement.id === 'AUDIT-01.1'")
    tab.run("document.querySelector('[id=\"AUDIT-01.1\"] .shown-by a').click()")
    tab.until("document.activeElement.innerText.includes('It is noticed, once')")
    assert "DEMO-05.2" in tab.run("document.activeElement.parentElement.querySelector('.proves').innerText")


def test_an_address_opens_its_place_even_when_a_filter_hides_it(tab) -> None:
    tab.run("document.querySelector('.chip input[value=broken]').click()")
    tab.run("location.hash = '#DEMO-06.1'")
    tab.until("document.activeElement.id === 'DEMO-06.1'")


def test_output_can_be_searched(tab) -> None:
    tab.run("document.querySelector('.printed').parentElement.querySelector('input').focus()")
    tab.call("Input.insertText", text="wrong")
    assert [line for line in _shown(tab, ".printed tbody tr") if "well" in line] == []


def test_evidence_is_followed_to_its_file(tab, page) -> None:
    address = tab.run(
        "[...document.querySelectorAll('.files a')].find((a) => a.innerText === 'monitor.stdout').href"
    )
    path = Path(address.removeprefix("file://"))
    assert path.read_text().endswith("something is wrong\n")
    tab.open(path)
    tab.until("document.body.innerText.includes('something is wrong')")


def test_the_keyboard_reaches_and_opens_a_scenario(tab) -> None:
    tab.run("document.querySelector('details.scenario:not([open]) > summary').focus()")
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r")
    assert tab.run("document.activeElement.parentElement.open")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(tab, width) -> None:
    tab.show(width=width, phone=width < 500)
    assert tab.run("document.documentElement.scrollWidth") <= width


def test_it_prints_with_a_block_to_sign(tab) -> None:
    pdf = tab.pdf()
    assert pdf.startswith(b"%PDF")
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert "Accepted gaps" in _shown(tab, "#signoff")[0]
    assert _shown(tab, "#filters") == []
    assert tab.run("document.querySelectorAll('#signoff .accept input').length") == 4


@pytest.fixture(scope="session")
def axe(tmp_path_factory) -> str:
    """The source of axe-core."""
    if not shutil.which("npm"):
        pytest.skip("no npm here: apt-get install nodejs npm")
    directory = tmp_path_factory.mktemp("axe")
    npm = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "axe-core"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if npm.returncode:
        pytest.skip(f"npm cannot install axe-core: {npm.stderr[-300:]}")
    return (directory / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_that_excludes_anybody(tab, axe, dark, width) -> None:
    tab.show(width=width, phone=width < 500, dark=dark)
    tab.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    tab.run(f"{axe};0")
    tab.run(_AUDIT)
    assert tab.run("audit.passes.length") > 20
    assert tab.run("audit.violations.map((v) => [v.id, v.impact, v.nodes.map((n) => n.html)])") == []


def test_axe_would_notice(tab, axe) -> None:
    tab.run("document.getElementById('find').removeAttribute('placeholder')")
    tab.run("document.getElementById('filters').prepend(document.getElementById('find'))")
    tab.run(f"{axe};0")
    tab.run(_AUDIT)
    assert "label" in tab.run("audit.violations.map((v) => v.id)")
