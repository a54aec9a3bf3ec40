"""`python -m systems.tikv.tikv_server`: run one TiKV node until SIGTERM or SIGINT."""

import os
import signal
import sys
from types import FrameType

from systems.tikv.flags import read_tikv_flags
from systems.tikv.lifecycle import bind, run_until_signal, stop
from systems.tikv.timing import read_timing

_PROGRAM = "tikv-server"


def main() -> None:
    """Run a node; leave with 0 after a signal, 1 when it cannot run here, 2 for bad flags."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        timing = read_timing(os.environ)
    except ValueError as error:
        stop(_PROGRAM, str(error), status=2)
    flags = read_tikv_flags(sys.argv[1:], timing.scale)
    listener = bind(_PROGRAM, "--addr", flags.addr)
    status_listener = bind(_PROGRAM, "--status-addr", flags.status_addr)

    from systems.tikv.log import log_welcome
    from systems.tikv.store import Store
    from systems.tikv.store.pd_client import RefusedError

    log_welcome("lib.rs:89", "TiKV", timing.scale)
    try:
        flags.data_dir.mkdir(parents=True, exist_ok=True)
        store = Store(flags, timing, listener, status_listener)
        run_until_signal(store.run, store.leave)
    except (OSError, RefusedError) as error:
        stop(_PROGRAM, str(error))


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
