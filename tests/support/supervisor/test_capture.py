import os

import pytest

from support.supervisor.capture import PIPE_SIZE, Capture
from support.supervisor.poller import Poller
from support.supervisor.spool import Bell


@pytest.mark.anyio
async def test_catching_up_with_a_program_that_never_pauses_comes_to_an_end(tmp_path, monkeypatch):
    read, write = os.pipe()
    capture = Capture(
        read, tmp_path / "flood.stdout", name="stdout", mask=None, bell=Bell(), poller=Poller(pytest.fail)
    )
    pieces = iter([b"y\n" * 5000] * (PIPE_SIZE // 10_000 + 100))
    monkeypatch.setattr("support.supervisor.capture.os.read", lambda fd, size: next(pieces))
    capture.catch_up()
    monkeypatch.undo()
    assert PIPE_SIZE <= capture.size < PIPE_SIZE + 10_000
    assert len(list(pieces)) > 50
    capture.close()
    os.close(write)
