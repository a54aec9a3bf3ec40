"""`summary.md` is a comment on a pull request."""

from dataclasses import replace
from pathlib import Path

from support.report.summary import summary_md

_GOLDEN = Path(__file__).parent / "golden" / "summary.md"


def test_it_is_written_as_the_golden_file(result) -> None:
    written = summary_md(result).encode("utf-8", "backslashreplace")
    assert written.decode() == _GOLDEN.read_text(encoding="utf-8")


def test_it_fits_a_comment_whatever_is_in_the_result(result, scenarios) -> None:
    long = replace(scenarios[1], reason="no\n" * 50_000, ids=())
    many = tuple(replace(long, location=f"features/x.feature:{n}") for n in range(500))
    requirements = tuple(replace(r, title="long " * 400) for r in result.requirements * 20)
    text = summary_md(replace(result, requirements=requirements, unassigned=many))
    assert len(text) < 65_536
    assert text.endswith("*The rest is in the report itself.*\n")


def test_what_others_wrote_is_no_markup(result, scenarios) -> None:
    wild = replace(scenarios[1], name="a | b <img> [x](y) `z`", reason="```\n# no", ids=())
    text = summary_md(replace(result, unassigned=(wild,)))
    assert r"a \| b \<img\> \[x\](y) \`z\`" in text
    assert "\n  # no" in text
    assert text.count("```") % 2 == 0
