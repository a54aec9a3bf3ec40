"""Stands between a process and whoever started it, and keeps every byte that it prints, with its time.

usage: python -IS eavesdropper.py SPOOL COMMAND [ARGUMENT…]

What COMMAND prints goes on unchanged, and to the spools SPOOL.stdout and SPOOL.stderr on its way; its pid
goes to SPOOL.pid. Signals that end a process are passed on, and this process ends as COMMAND ends. It needs
nothing but the standard library.
"""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

_RECORD = struct.Struct("<QQ")  # as in support.supervisor.spool
_PIECE = 64 * 1024


def main(stem: str, argv: list[str]) -> int:
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: process.send_signal(number))
    Path(f"{stem}.pid").write_text(str(process.pid), encoding="ascii")
    assert process.stdout is not None
    assert process.stderr is not None
    threads = [
        threading.Thread(target=_pass_on, args=(stream.fileno(), to, f"{stem}.{name}"))
        for stream, to, name in ((process.stdout, 1, "stdout"), (process.stderr, 2, "stderr"))
    ]
    for thread in threads:
        thread.start()
    status = process.wait()
    for thread in threads:
        thread.join()
    if status < 0:
        if -status not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


def _pass_on(source: int, to: int, spool: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    # The index first, always: whoever reads meanwhile finds a time for every byte.
    index = os.open(f"{spool}.index", flags, 0o600)
    data = os.open(spool, flags, 0o600)
    size = os.fstat(data).st_size
    while piece := os.read(source, _PIECE):
        record = _RECORD.pack(size, time.monotonic_ns())
        _write(index, record)
        _write(data, piece)
        size += len(piece)
        try:
            _write(to, piece)
        except OSError:  # nobody is there any more; it is kept all the same
            continue


def _write(to: int, piece: bytes) -> None:
    while piece:
        piece = piece[os.write(to, piece) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
