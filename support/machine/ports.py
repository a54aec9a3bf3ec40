"""Whether this machine has free ports on its loopback address."""

import socket
from contextlib import ExitStack

from support.machine.finding import Finding

NEEDED = 8
"""Ports that one stack and its surroundings need at the same time."""


def loopback_ports() -> Finding:
    """Listen on as many ports as a run needs, and give them up again."""
    with ExitStack() as listening:
        for number in range(NEEDED):
            try:
                listening.enter_context(socket.create_server(("127.0.0.1", 0)))
            except OSError as error:
                return Finding(
                    name="ports",
                    fits=False,
                    seen=f"only {number} of {NEEDED} ports are free on 127.0.0.1: {error.strerror}",
                    next_step="see who has them with: ss -tanp; widen net.ipv4.ip_local_port_range, or see "
                    "that the loopback interface is up: ip link show lo",
                )
    return Finding(name="ports", fits=True, seen=f"{NEEDED} free on 127.0.0.1")
