"""Whose socket is at the other end of a connection on this machine.

The kernel is asked for that one socket (sock_diag(7)). A list of all of them, as in /proc/net/tcp, grows with
whatever else the machine does, and costs a quarter of a second when there are thirty thousand.
"""

import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST = 1
_ANY_STATE = 0xFFFFFFFF
_NO_COOKIE = b"\xff" * 8
_NO_ENTRY = 2
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_ASKED = struct.Struct("=BBBBI")  # inet_diag_req_v2, up to its socket id
_ID = struct.Struct("!HH16s16s")  # inet_diag_sockid, up to its interface
_INODE_AT = _HEADER.size + 68  # in inet_diag_msg


def inode_of(local: tuple[str, int], remote: tuple[str, int]) -> int | None:
    """The inode of the TCP socket that is bound to `local` and connected to `remote`, both IPv4.

    None when there is none any more.
    """
    try:
        return _asked_of_kernel(local, remote)
    except OSError:  # some containers and sandboxes have no sock_diag
        return _listed(local, remote)


def _asked_of_kernel(local: tuple[str, int], remote: tuple[str, int]) -> int | None:
    id_ = _ID.pack(local[1], remote[1], socket.inet_aton(local[0]), socket.inet_aton(remote[0]))
    body = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY_STATE) + id_ + bytes(4) + _NO_COOKIE
    header = _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.settimeout(1)
        kernel.send(header + body)
        answer = kernel.recv(65536)
    if _HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        error = -struct.unpack_from("=i", answer, _HEADER.size)[0]
        if error == _NO_ENTRY:
            return None
        raise OSError(error, "sock_diag")
    inode: int = struct.unpack_from("=I", answer, _INODE_AT)[0]
    return inode or None


def _listed(local: tuple[str, int], remote: tuple[str, int]) -> int | None:
    ends = [_in_hex(local), _in_hex(remote)]
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == ends:
            return int(fields[9]) or None
    return None


def _in_hex(end: tuple[str, int]) -> str:
    return f"{int.from_bytes(socket.inet_aton(end[0]), sys.byteorder):08X}:{end[1]:04X}"


def holds(pid: int, inode: int) -> bool:
    """Whether a process has this socket open; False when it has ended."""
    link = f"socket:[{inode}]"
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if str(descriptor.readlink()) == link:
                    return True
    return False
