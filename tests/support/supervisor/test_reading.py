"""Reading gives what was written, however the pieces fall."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from support.supervisor.reading import LINE_LIMIT, LineCount, Scan, before_the_end
from support.supervisor.spool import Spool

pieces = st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"x", b"\n")), max_size=30)
long_or_short = st.lists(
    st.sampled_from([b"a", b"b\n", b"\n", b"c" * (LINE_LIMIT - 1), b"d" * LINE_LIMIT, b"e" * 3 * LINE_LIMIT]),
    max_size=12,
)


def written(path: Path, pieces: list[bytes]) -> Spool:
    for old in (path, path.with_name(f"{path.name}.index")):
        old.unlink(missing_ok=True)
    spool = Spool(path)
    for piece in pieces:
        spool.write(piece)
    spool.close()
    return spool


def read(path: Path, start: int, upto: int) -> list:
    found = []
    with Scan(path, stream="stdout", count=LineCount(path), start=start, pattern=None) as scan:
        while (lines := scan.step(upto)) is not None:
            found.extend(lines)
        last = scan.rest(upto)
    return [*found, *([last] if last else [])]


def expected(data: bytes) -> list[str]:
    texts = data.split(b"\n")
    if not texts[-1]:
        texts.pop()
    return [text[:LINE_LIMIT].decode(errors="replace") for text in texts]


@given(pieces=st.one_of(pieces, long_or_short))
@settings(deadline=None)
def test_lines_come_out_as_they_went_in(tmp_path_factory, pieces):
    path = tmp_path_factory.getbasetemp() / "spool"
    spool = written(path, pieces)
    data = b"".join(pieces)
    lines = read(path, 0, spool.size)
    assert path.exists() == bool(data)
    assert not data or path.read_bytes() == data
    assert [line.text for line in lines] == expected(data)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    offsets = [line.offset for line in lines]
    assert all(offset == 0 or data[offset - 1 : offset] == b"\n" for offset in offsets)


@given(pieces=pieces, count=st.integers(1, 5))
@settings(deadline=None)
def test_the_tail_is_the_end_of_the_whole(tmp_path_factory, pieces, count):
    path = tmp_path_factory.getbasetemp() / "spool"
    spool = written(path, pieces)
    start = before_the_end(path, spool.last_line, count)
    whole = read(path, 0, spool.size)
    unfinished = spool.last_line < spool.size
    assert read(path, start, spool.size) == whole[-(count + unfinished) :]


def test_every_line_has_the_time_of_the_piece_that_ended_it(tmp_path, monkeypatch):
    clock = iter(range(1_000_000))
    monkeypatch.setattr("time.monotonic_ns", lambda: next(clock))
    pieces = [b"%d\n" % number for number in range(5000)]  # more than the index' reader holds at once
    spool = written(tmp_path / "spool", pieces)
    lines = read(tmp_path / "spool", 0, spool.size)
    assert [line.at for line in lines] == list(range(5000))


def test_a_line_in_two_pieces_has_the_time_of_the_second(tmp_path, monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr("time.monotonic_ns", lambda: next(clock))
    spool = written(tmp_path / "spool", [b"first ha", b"lf\nsecond\n"])
    assert [line.at for line in read(tmp_path / "spool", 0, spool.size)] == [1, 1]
