import pytest

from support.supervisor import Spool
from support.supervisor.spool import RECORD

pytestmark = pytest.mark.anyio


class Shy:
    """Masks "secret", holding back what may be its beginning."""

    def __init__(self) -> None:
        self.held = b""

    def feed(self, data: bytes) -> bytes:
        data = (self.held + data).replace(b"secret", b"******")
        keep = next((n for n in range(5, 0, -1) if data.endswith(b"secret"[:n])), 0)
        self.held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def flush(self) -> bytes:
        held, self.held = self.held, b""
        return held


def test_a_secret_that_straddles_two_pieces_never_reaches_the_disk(tmp_path):
    spool = Spool(tmp_path / "a.stdout", mask=Shy())
    for piece in (b"the sec", b"ret is se", b"cure"):
        spool.write(piece)
        assert b"secret" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    spool.close()
    assert (tmp_path / "a.stdout").read_bytes() == b"the ****** is secure"


def test_what_the_mask_held_back_is_written_at_the_end(tmp_path):
    spool = Spool(tmp_path / "a.stdout", mask=Shy())
    spool.write(b"a secre")
    spool.close()
    assert (tmp_path / "a.stdout").read_bytes() == b"a secre"


def test_the_index_names_the_offset_and_time_of_every_piece(tmp_path, monkeypatch):
    clock = iter([7, 8])
    monkeypatch.setattr("time.monotonic_ns", lambda: next(clock))
    spool = Spool(tmp_path / "a.stdout")
    spool.write(b"one\ntw")
    spool.write(b"o\n")
    spool.close()
    index = (tmp_path / "a.stdout.index").read_bytes()
    assert list(RECORD.iter_unpack(index)) == [(0, 7), (6, 8)]


def test_an_old_spool_is_never_overwritten(tmp_path):
    (tmp_path / "a.stdout").write_text("old\n")
    spool = Spool(tmp_path / "a.stdout")
    with pytest.raises(FileExistsError):
        spool.write(b"new\n")
    assert (tmp_path / "a.stdout").read_text() == "old\n"


def test_there_is_no_spool_of_what_was_not_printed(tmp_path):
    Spool(tmp_path / "a.stdout").close()
    assert list(tmp_path.iterdir()) == []
