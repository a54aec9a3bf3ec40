"""`index.html`: the report on one page, in one file that needs no network.

Its parts lie in `page/`. The data are embedded as JSON and shown by the page's own script; a policy in the
page lets nothing else run and nothing be loaded.
"""

import base64
import hashlib
import json
import re
from pathlib import Path

from support.report.headline import Headline
from support.report.model import RunResult
from support.report.page_data import page_data
from support.report.summary import summary_md

__all__ = ["index_html"]

_LONE = re.compile("[\ud800-\udfff]")  # what UTF-8 cannot hold
_PARTS = Path(__file__).with_name("page")
_SCRIPTS = (
    "elements.js",
    "words.js",
    "overview.js",
    "filters.js",
    "requirements.js",
    "timeline.js",
    "conversation.js",
    "printed.js",
    "scenario.js",
    "scenarios.js",
    "gaps.js",
    "environment.js",
    "signoff.js",
    "start.js",
)


def index_html(result: RunResult, reports: Path) -> bytes:
    """The page, in UTF-8. Links lead to evidence below `reports`, where the page has to lie."""
    script = "\n".join((_PARTS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    style = (_PARTS / "page.css").read_text(encoding="utf-8")
    page = (_PARTS / "page.html").read_text(encoding="utf-8")
    filled = {
        "TITLE": _text(Headline(result).sentence),
        "POLICY": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        "STYLE": style,
        "PLAIN": _text(summary_md(result)),
        "DATA": _embedded(page_data(result, reports)),
        "SCRIPT": script,
    }
    parts = page.split("@@")
    return "".join(filled[part] if n % 2 else part for n, part in enumerate(parts)).encode(
        "utf-8", "backslashreplace"
    )


def _embedded(data: object) -> str:
    """JSON that cannot end the element it stands in, whatever is in it.

    See https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return _LONE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _hash(text: str) -> str:
    """The text's digest as a Content Security Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
