"""Secrets are found in any chunking, masked in place, and recorded."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.evidence.redaction import Redactor, Shape

KEY = "sk-ant-api03-" + "a1B2_-" * 15

SECRETS = {"one": "abcab", "inside one": "ca", "overlaps itself": "aba", "two lines": "b\nb"}
SHAPE = Shape("key", "k-", "a-c-k", 3)


def masked_by_definition(data: bytes) -> tuple[bytes, set[tuple[str, int]]]:
    """What masking the whole must give, written in the plainest way there is."""
    out = bytearray(data)
    hits = set()
    for name, secret in SECRETS.items():
        for at in range(len(data)):
            if data.startswith(secret.encode(), at):
                out[at : at + len(secret)] = b"*" * len(secret)
                hits.add((name, at))
    for run in re.finditer(rb"k-[a-ck-]{3,}", data):
        out[run.start() : run.end()] = b"*" * (run.end() - run.start())
        hits.add(("key", run.start()))
    return bytes(out), hits


@given(
    st.lists(st.text(alphabet="abck-\n ", max_size=8).map(str.encode), max_size=12),
)
@example([b"k-", b"aaa", b"a", b"k-aaa b"])
@example([b"abca", b"b", b"caba", b""])
@example([b"k-ab", b"ca", b"b"])
@example([b"ababa", b"bcabcab"])
def test_any_chunking_gives_what_masking_the_whole_gives(chunks: list[bytes]) -> None:
    redactor = Redactor(SECRETS, [SHAPE])
    mask = redactor.mask("stream")
    out = b"".join(map(mask.feed, chunks)) + mask.flush()
    expected, hits = masked_by_definition(b"".join(chunks))
    assert out == expected
    assert sorted((hit.name, hit.offset) for hit in redactor.hits) == sorted(hits)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_byte_is_lost_or_moved(data: bytes, cut: int) -> None:
    mask = Redactor({"key": KEY}).mask("stream")
    assert mask.feed(data[:cut]) + mask.feed(data[cut:]) + mask.flush() == data


def test_a_secret_split_over_chunks_never_gets_out() -> None:
    mask = Redactor({"password": "open sesame"}).mask("agent stdout")
    assert mask.feed(b"say open se") == b"say "
    assert mask.feed(b"same!\n") == b"***********!\n"


def test_only_an_end_that_may_be_the_beginning_of_a_secret_is_held_back() -> None:
    mask = Redactor({"password": "open sesame"}).mask("agent stdout")
    assert mask.feed(b"open the door, op") == b"open the door, "
    assert mask.feed(b"era") == b"opera"


def test_a_key_nobody_told_about_is_known_by_its_shape() -> None:
    redactor = Redactor({})
    text = redactor.text(f"export ANTHROPIC_API_KEY={KEY}; echo", "agent stdout")
    assert text == f"export ANTHROPIC_API_KEY={'*' * len(KEY)}; echo"
    assert [(hit.source, hit.name, hit.offset) for hit in redactor.hits] == [
        ("agent stdout", "Anthropic key", 25)
    ]


def test_an_endless_key_is_masked_without_being_held() -> None:
    redactor = Redactor({})
    mask = redactor.mask("stream")
    assert mask.feed(KEY.encode()) == b"*" * len(KEY)
    assert mask.feed(b"x" * 100_000) == b"*" * 100_000
    assert mask.feed(b" end") == b" end"
    assert len(redactor.hits) == 1


def test_a_mere_mention_of_the_prefix_stays_readable() -> None:
    assert Redactor({}).text("keys look like sk-ant-…", "log") == "keys look like sk-ant-…"


def test_the_rest_comes_out_when_the_stream_ends() -> None:
    mask = Redactor({"password": "open sesame"}).mask("stream")
    assert mask.feed(b"open ses") == b""
    assert mask.flush() == b"open ses"


def test_masked_json_is_still_json() -> None:
    line = Redactor({"password": "pässwörd"}).text(json.dumps({"a": "pässwörd"}, ensure_ascii=False), "db")
    assert json.loads(line) == {"a": "*" * 10}


def test_text_that_is_no_unicode_passes_through() -> None:
    assert Redactor({"password": "open sesame"}).text("a\udc80b", "db") == "a\udc80b"


def test_a_hit_says_where_when_and_which() -> None:
    redactor = Redactor({"password": "open sesame"})
    mask = redactor.mask("monitor stderr")
    mask.feed(b"0123456789")
    mask.feed(b"open sesame open sesame")
    assert [(hit.source, hit.name, hit.offset) for hit in redactor.hits] == [
        ("monitor stderr", "password", 10),
        ("monitor stderr", "password", 22),
    ]
    assert 0 < redactor.hits[0].at <= redactor.hits[1].at


def test_an_empty_secret_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="ANTHROPIC_API_KEY is empty"):
        Redactor({"ANTHROPIC_API_KEY": ""})
