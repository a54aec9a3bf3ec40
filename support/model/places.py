"""Takes out of a conversation what differs from run to run, and puts this run's values in.

Ports of the loopback, process ids and private directories get numbers in the order in which they are
first seen, so that an answer which names a port names the right one when it is replayed. Times and
fractions are only blotted out: an answer has no use for them.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PORT = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]):(\d{2,5})\b")
_PID = re.compile(r"\bpid\"?\s*[:=]?\s*(\d{2,7})\b", re.IGNORECASE)
_TIMES = (
    re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d[:-]\d\d[:-]\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"),
    re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"),
    re.compile(r"\b1[6-9]\d{8}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?\b"),
    re.compile(r"(?<![\w.])\d+\.\d+(?:e[+-]?\d+)?(?![\w.])"),
)


class Places:
    """What has been seen of one scenario. `private` is the directory in which the run's own ones are."""

    def __init__(self, *, private: Path) -> None:
        self._directory = re.compile(rf"({re.escape(str(private))}(?:/[a-z]+\d+)?)\b")
        self._numbers: dict[tuple[str, str], str] = {}

    def normal(self, value: Any) -> Any:
        """`value` (JSON) as it is in every run; takes note of the values it holds."""
        return _mapped(value, self._normal)

    def hidden(self, value: Any) -> Any:
        """`value` with what has been noted so far replaced by its number."""
        return _mapped(value, self._hidden)

    def shown(self, value: Any) -> Any:
        """`value` with this run's values in place of the numbers."""
        return _mapped(value, self._shown)

    def _normal(self, text: str) -> str:
        for kind, found in (("directory", self._directory), ("port", _PORT), ("pid", _PID)):
            for match in found.finditer(text):
                self._note(kind, match[1])
        text = self._hidden(text)
        for times in _TIMES:
            text = times.sub("{{time}}", text)
        return text

    def _note(self, kind: str, value: str) -> None:
        if (kind, value) not in self._numbers:
            number = sum(known == kind for known, _ in self._numbers) + 1
            self._numbers[kind, value] = f"{{{{{kind} {number}}}}}"

    def _hidden(self, text: str) -> str:
        # The longest first: a directory may lie in another.
        for (_, value), place in sorted(self._numbers.items(), key=lambda known: -len(known[0][1])):
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", place, text)
        return text

    def _shown(self, text: str) -> str:
        for (_, value), place in self._numbers.items():
            text = text.replace(place, value)
        return text


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return [_mapped(each, change) for each in value]
    if isinstance(value, dict):
        return {name: _mapped(each, change) for name, each in value.items()}
    return value
