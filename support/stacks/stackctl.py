"""stackctl: look at and control the nodes of a running stack.

usage: stackctl ps
       stackctl logs NODE [LINES]
       stackctl inspect NODE
       stackctl start|stop|restart NODE

It talks to the stack over the socket that STACKCTL_SOCKET names. Exit status: 0 done, 1 the stack
refused or could not do it, 2 wrong usage, 3 no stack answers.
"""

import json
import os
import socket
import sys


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        (sys.stdout if arguments else sys.stderr).write(f"{(__doc__ or '').strip()}\n")
        return 0 if arguments else 2
    path = os.environ.get("STACKCTL_SOCKET", "")
    if not path:
        sys.stderr.write("stackctl: STACKCTL_SOCKET is not set; it names the socket of the stack\n")
        return 3
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
            connection.sendall(json.dumps(arguments).encode() + b"\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
            reply = json.loads(answer)
        except (OSError, ValueError) as error:
            sys.stderr.write(f"stackctl: no stack answers at {path}: {error}\n")
            return 3
    sys.stdout.write(reply["out"])
    sys.stderr.write(reply["err"])
    return int(reply["status"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
