"""`python -m systems.tikv.pd_server`: run one PD member until SIGTERM or SIGINT."""

import os
import signal
import sys
from types import FrameType

from systems.tikv.flags import read_pd_flags
from systems.tikv.lifecycle import bind, run_until_signal, stop
from systems.tikv.timing import read_timing

_PROGRAM = "pd-server"


def main() -> None:
    """Run a member; leave with 0 after a signal, 1 when it cannot run here, 2 for bad flags."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        timing = read_timing(os.environ)
    except ValueError as error:
        stop(_PROGRAM, str(error), status=2)
    flags = read_pd_flags(sys.argv[1:], timing.scale)
    clients = [bind(_PROGRAM, "--client-urls", url) for url in flags.client_urls]
    peers = [bind(_PROGRAM, "--peer-urls", url) for url in flags.peer_urls]

    from systems.tikv.log import log_welcome
    from systems.tikv.pd import Pd

    log_welcome("versioninfo.go:89", "Placement Driver (PD)", timing.scale)
    try:
        pd = Pd(flags, timing, clients, peers)
    except (OSError, ValueError) as error:
        stop(_PROGRAM, str(error))
    run_until_signal(pd.run, pd.leave)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
