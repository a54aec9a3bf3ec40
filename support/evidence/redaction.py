"""Secrets are masked as bytes come in, before they reach the disk, and every hit is recorded with its source.

    redactor = Redactor({"ANTHROPIC_API_KEY": key})
    mask = redactor.mask("agent stdout")
    disk.write(mask.feed(chunk)) … disk.write(mask.flush())
    redactor.hits  # (Hit(source="agent stdout", name="ANTHROPIC_API_KEY", at=…, offset=…),)

A secret is replaced by `*` of the same length, so offsets stay true; also one that is split over chunks.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_NAMES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def secrets_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets that an environment holds, by the names of their variables."""
    return {name: environ[name] for name in _NAMES if environ.get(name)}


@dataclass(frozen=True)
class Hit:
    """A secret seen: where it came from, which one, when (monotonic ns), and at which byte it began."""

    source: str
    name: str
    at: int
    offset: int


@dataclass(frozen=True)
class Shape:
    """Secrets known by their look: `prefix`, then `least` characters of `alphabet` or more.

    `alphabet` is the inside of a character class and must cover the prefix.
    """

    name: str
    prefix: str
    alphabet: str
    least: int


ANTHROPIC_KEY = Shape("Anthropic key", "sk-ant-", "A-Za-z0-9_-", 16)
"""Real keys have some hundred characters (`sk-ant-api03-…`); a mere mention of the prefix stays readable."""


class Redactor:
    """Knows the secrets of a run. `secrets` maps names to values; raises `ValueError` for an empty value."""

    def __init__(self, secrets: Mapping[str, str], patterns: Sequence[Shape] = (ANTHROPIC_KEY,)) -> None:
        for name, value in secrets.items():
            if not value:
                raise ValueError(f"secret {name} is empty; leave it out instead")
        self._secrets = {name: value.encode(*_ENCODING) for name, value in secrets.items()}
        self._patterns = tuple(patterns)
        self._signs = (*secrets.values(), *(shape.prefix for shape in self._patterns))
        self._hits: list[Hit] = []

    @property
    def hits(self) -> tuple[Hit, ...]:
        """Every secret seen so far, in the order found."""
        return tuple(self._hits)

    def found_since(self, count: int) -> tuple[str, ...]:
        """In words and once each, what was found where after the first `count` hits."""
        return tuple(dict.fromkeys(f"{hit.name} in {hit.source}" for hit in self._hits[count:]))

    def mask(self, source: str) -> "StreamMask":
        """A mask for one stream; `source` is named in its hits."""
        return StreamMask(
            self._finders(),
            lambda name, offset: self._hits.append(Hit(source, name, time.monotonic_ns(), offset)),
        )

    def suspects(self, text: str) -> bool:
        """Whether there may be a secret in the text; if not, there is none."""
        return any(sign in text for sign in self._signs)

    def text(self, text: str, source: str) -> str:
        """`text` with its secrets masked. A character of several bytes becomes as many `*`."""
        if not self.suspects(text):
            return text
        mask = self.mask(source)
        return (mask.feed(text.encode(*_ENCODING)) + mask.flush()).decode(*_ENCODING)

    def _finders(self) -> "list[_Literal | _Shaped]":
        return [
            *(_Literal(name, value) for name, value in self._secrets.items()),
            *(_Shaped(shape) for shape in self._patterns),
        ]


_ENCODING = ("utf-8", "surrogatepass")

Span = tuple[int, int]
"""Where a secret stands in the data at hand: begin and end."""


class StreamMask:
    """The mask of one stream. Feed it the bytes in order, then flush it once."""

    def __init__(self, finders: Sequence["_Literal | _Shaped"], hit: Callable[[str, int], None]) -> None:
        self._finders = finders
        self._hit = hit
        self._held = b""
        self._spans: list[Span] = []
        self._offset = 0

    def feed(self, data: bytes) -> bytes:
        """The bytes that are decided, masked; held back is only an end that a secret may begin in."""
        data = self._held + data if self._held else data
        for finder in self._finders:
            self._spans += finder.find(data)
            for begin in finder.begun:
                self._hit(finder.name, self._offset + begin)
        return self._emit(data, min((finder.resume for finder in self._finders), default=len(data)))

    def flush(self) -> bytes:
        """The rest, when the stream has ended."""
        return self._emit(self._held, len(self._held))

    def _emit(self, data: bytes, decided: int) -> bytes:
        self._held = data[decided:]
        self._offset += decided
        for finder in self._finders:
            finder.resume -= decided
        if not self._spans:
            return data if decided == len(data) else data[:decided]
        out = bytearray(data[:decided])
        for begin, end in self._spans:
            end = min(end, decided)
            out[begin:end] = b"*" * (end - begin)
        self._spans = [
            (max(begin - decided, 0), end - decided) for begin, end in self._spans if end > decided
        ]
        return bytes(out)


class _Literal:
    """Finds one secret, overlapping itself too.

    `resume` is from where on the data are undecided; what is before it will never be looked at again, so
    every secret is found once. `begun` are the beginnings of the secrets found last.
    """

    def __init__(self, name: str, secret: bytes) -> None:
        self.name = name
        self.resume = 0
        self.begun: list[int] = []
        self._secret = secret

    def find(self, data: bytes) -> list[Span]:
        self.begun = []
        at = data.find(self._secret, self.resume)
        while at >= 0:
            self.begun.append(at)
            at = data.find(self._secret, at + 1)
        self.resume = _undecided(data, self._secret, self.resume)
        return [(at, at + len(self._secret)) for at in self.begun]


class _Shaped:
    """Finds secrets of one shape; of one that goes on past the end of the data, as much as is known."""

    def __init__(self, shape: Shape) -> None:
        self.name = shape.name
        self.resume = 0
        self.begun: list[int] = []
        self._prefix = shape.prefix.encode()
        self._least = len(self._prefix) + shape.least
        self._run = re.compile(b"[%s]*" % shape.alphabet.encode())
        self._goes_on = False

    def find(self, data: bytes) -> list[Span]:
        self.begun = []
        spans: list[Span] = []
        begin = self.resume if self._goes_on else data.find(self._prefix, self.resume)
        searched = self.resume
        while begin >= 0:
            end = self._end(data, begin)
            whole = self._goes_on or end - begin >= self._least
            if whole:
                spans.append((begin, end))
                if not self._goes_on:
                    self.begun.append(begin)
            self._goes_on = whole and end == len(data)
            if end == len(data):
                self.resume = end if whole else begin
                return spans
            # Another prefix within this run is part of it, so the search goes on behind it.
            searched = end
            begin = data.find(self._prefix, searched)
        self.resume = _undecided(data, self._prefix, searched)
        return spans

    def _end(self, data: bytes, begin: int) -> int:
        run = self._run.match(data, begin)
        assert run is not None  # it matches the empty run too
        return run.end()


def _undecided(data: bytes, secret: bytes, start: int) -> int:
    """Where an end of `data` begins that `secret` may go on from, or the length of `data`."""
    at = data.find(secret[:1], max(start, len(data) - len(secret) + 1))
    while at >= 0 and not secret.startswith(data[at:]):
        at = data.find(secret[:1], at + 1)
    return at if at >= 0 else len(data)
